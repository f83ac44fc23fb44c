// The composition root: names the drivers, and runs Valet with the module of its workers, which alone knows the tasks.
// The front of the package @valet/valet; the only file that imports both src/ and drivers/.

import type { RunnerCommand } from "./src/executor/host/runner_process.ts";

export { defineTask } from "./src/tasks/task.ts";
export type {
  Duration,
  LazyTask,
  Task,
  TaskContext,
  TaskDefinition,
  TaskFunction,
  TaskJob,
  TaskLog,
  TaskSettings,
  TaskTable,
} from "./src/tasks/task.ts";

/** What an executable consists of beside Valet itself. */
export interface ServeOptions {
  /** The module of every worker, `new URL("./tasks/worker.ts", import.meta.url)`: it calls `serveTasks`. */
  readonly worker: URL;
}

/**
 * Does what the command line asks for, and ends the process with its exit code. To be called by the main module, first of
 * all there: from source a runner process starts with the same module.
 */
export async function serve({ worker }: ServeOptions): Promise<void> {
  // Imported when needed: a runner process must start fast and stay small.
  if (Deno.args[0] === "runner") {
    const { serveRunner } = await import("./src/executor/host/runner.ts");
    return await serveRunner(worker);
  }
  const [{ runValet }, drivers] = await Promise.all([
    import("./src/node/commands.ts"),
    import("./drivers/mod.ts"),
  ]);
  const parts = { drivers, workerUrl: worker, runnerCommand: ownRunnerCommand() };
  Deno.exit(await runValet(Deno.args, parts));
}

/** A runner process is this executable again. From source it gets the permissions that tasks may declare. */
function ownRunnerCommand(): RunnerCommand {
  if (Deno.build.standalone) {
    // Linux can name the executable whatever its path is, and that is all a compiled one may start.
    const path = Deno.build.os === "linux" ? "/proc/self/exe" : Deno.execPath();
    return { path, args: ["runner"] };
  }
  const permissions = ["env", "net", "read", "sys", "write"].map((name) => `--allow-${name}`);
  return {
    path: Deno.execPath(),
    args: [
      "run",
      "--quiet",
      "--cached-only",
      "--no-prompt",
      ...permissions,
      Deno.mainModule,
      "runner",
    ],
  };
}

if (import.meta.main) await serve({ worker: new URL("./tasks/worker.ts", import.meta.url) });
