// The standard streams of `Deno` and `node:process` as tasks see them: what is written to them becomes lines of
// the log, and there is nothing to read.

import { replace } from "./refusals.ts";
import { taskHooks } from "./task_hooks.ts";

const noInput = "a task has no standard input; its input is its params";
const encoder = new TextEncoder();

/** Replaces `Deno.stdin`, `Deno.stdout` and `Deno.stderr`. */
export function replaceDenoStreams(): void {
  // The input of a runner is its protocol: a task that read it would take the server's messages away.
  replace(Deno, "stdin", {
    read: () => Promise.reject(new Error(noInput)),
    readSync: () => {
      throw new Error(noInput);
    },
    get readable() {
      throw new Error(noInput);
    },
    close() {},
    isTerminal: () => false,
  });
  for (const stream of ["stdout", "stderr"] as const) {
    const writeSync = (bytes: Uint8Array) => {
      taskHooks.print(stream, bytes);
      return bytes.length;
    };
    replace(Deno, stream, {
      write: (bytes: Uint8Array) => Promise.resolve(writeSync(bytes)),
      writeSync,
      get writable() {
        return new WritableStream<Uint8Array>({ write: (bytes) => void writeSync(bytes) });
      },
      close() {},
      isTerminal: () => false,
    });
  }
}

/** Replaces what the streams of `node:process` do. */
export function replaceProcessStreams(process: NodeJS.Process): void {
  // In place: `import { stdout } from "node:process"` has these very streams.
  for (const stream of ["stdout", "stderr"] as const) {
    const target = process[stream];
    // So that `_write` is given bytes, whatever was written.
    replace(target, "_write", (bytes: Uint8Array, _encoding: unknown, done: () => void) => {
      taskHooks.print(stream, bytes);
      done();
    });
    // Ended, it would fail the writes of every later job.
    replace(target, "end", function (this: typeof target, ...values: unknown[]) {
      const done = values.findLast((value) => typeof value === "function");
      const [chunk] = values;
      if (typeof chunk === "string" || chunk instanceof Uint8Array) target.write(chunk);
      if (done !== undefined) process.nextTick(done as () => void);
      // `pipeline` waits for it.
      process.nextTick(() => target.emit("finish"));
      return this;
    });
    // Corked, it would keep the lines of every later job.
    replace(target, "cork", () => {});
    replace(target, "isTTY", false);
  }
  let stdin: unknown;
  // A new one each time, since a stream that has failed says nothing to whom asks next.
  Object.defineProperty(process, "stdin", {
    get: () => stdin ?? failingInput(process),
    set: (value) => stdin = value,
    configurable: true,
  });
  replace(process, "_rawDebug", (...values: unknown[]) => {
    taskHooks.print("stderr", encoder.encode(`${values.join(" ")}\n`));
  });
}

function failingInput(process: NodeJS.Process): unknown {
  const { Readable } = process.getBuiltinModule("stream");
  return new Readable({
    read() {
      this.destroy(new Error(noInput));
    },
  });
}
