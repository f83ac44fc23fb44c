import assert from "node:assert/strict";
import { openWorkerThread } from "../../../../src/executor/host/worker_thread.ts";
import { FrameKind, readFrames } from "../../../../src/executor/wire/frames.ts";
import { skipOnOldRuntime } from "../../../testing/old_runtime.ts";
import { withTasks } from "../../../testing/task_folder.ts";
import { within } from "../../../testing/within.ts";

const table = 'export const tasks = { t: { load: () => import("./t.ts") } };';

/** Of every line: whose module it is. */
const fields = { task: "t" };

/** The log lines of a worker from its start until it has loaded the module of its task. */
function logOfLoading(module: string): Promise<unknown[]> {
  return withTasks({ "mod.ts": table, "t.ts": module }, async (workerUrl) => {
    const lines: unknown[] = [];
    const loaded = Promise.withResolvers<void>();
    const options = {
      permissions: {},
      taskNames: ["t"],
      jobsPerWorker: 1,
      maxResultBytes: 1_000,
      taskSettings: {},
    };
    const worker = openWorkerThread(workerUrl, options, {
      onBytes(bytes) {
        readFrames(bytes, 100_000, ({ kind, text }) => {
          if (kind === FrameKind.Log) lines.push(JSON.parse(text));
          if (kind === FrameKind.LoadFailed) loaded.reject(new Error(text));
          if (kind === FrameKind.Loaded) loaded.resolve();
        });
      },
      onReturned: () => {},
      onWornOut: () => {},
      onLost: (reason) => loaded.reject(new Error(reason)),
    });
    try {
      await within(loaded.promise, "the loaded module");
    } finally {
      await worker.close();
    }
    return lines;
  });
}

Deno.test("what a module prints while it is loaded is logged, whichever way", async () => {
  const module = `
    import { stdout } from "node:process";
    stdout.write("to stdout");
    console.error("to the console");
    Deno.stderr.writeSync(new TextEncoder().encode("to stderr\\n"));
    await new Promise((resolve) => setTimeout(resolve, 1));
    export default () => {};`;
  assert.deepEqual(await logOfLoading(module), [
    { level: "info", message: "to stdout", fields },
    { level: "error", message: "to the console", fields },
    { level: "warn", message: "to stderr", fields },
  ]);
});

Deno.test({
  ...skipOnOldRuntime(
    "a function of the console that is imported by its name logs",
    "it is Deno's own there",
    "2.9.0",
  ),
  async fn() {
    const module =
      'import { error } from "node:console";\nerror("by name");\nexport default () => {};';
    const lines = await logOfLoading(module);
    assert.deepEqual(lines, [{ level: "error", message: "by name", fields }]);
  },
});

Deno.test("what a module made of the globals while it was loaded is there for its runs", async () => {
  const module = `
    console.log = (text) => console.info("patched: " + text);
    export default () => {};
    await 0;
    console.log("a line");`;
  assert.deepEqual(await logOfLoading(module), [{
    level: "info",
    message: "patched: a line",
    fields,
  }]);
});
