// Takes from task code what would end or confuse the worker or the whole server.
// Imported first by a worker's entry, so that it runs before any task module is evaluated.

/** What the task server hears of tasks through the replaced globals. It sets the functions once. */
export const taskHooks: {
  console: (level: "debug" | "info" | "warn" | "error", values: readonly unknown[]) => void;
  timerError: (thrown: unknown) => void;
} = { console: () => {}, timerError: () => {} };

/** The real way to the host. */
export const postToHost: (message: unknown) => void = globalThis.postMessage.bind(globalThis);

/** The real stdout: the protocol of a runner process. Tasks see a copy that refuses to write. */
export const standardOutput: typeof Deno.stdout = Deno.stdout;

function refuse(name: string): () => never {
  return () => {
    throw new Error(`${name}() is not available to a task`);
  };
}

function replace(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: false, writable: false });
}

replace(Deno, "exit", refuse("Deno.exit"));
replace(Deno, "kill", refuse("Deno.kill"));
// These would take something from the later jobs of the worker, or from the whole process.
for (const name of ["request", "requestSync", "revoke", "revokeSync"]) {
  replace(Deno.Permissions.prototype, name, refuse(`Deno.permissions.${name}`));
}
replace(Deno, "chdir", refuse("Deno.chdir"));
replace(Deno, "umask", refuse("Deno.umask"));
// `process.env` calls them, too.
replace(Deno.env, "set", refuse("Deno.env.set"));
replace(Deno.env, "delete", refuse("Deno.env.delete"));
replace(globalThis, "close", refuse("close"));
replace(globalThis, "postMessage", refuse("postMessage"));
replace(globalThis, "onmessage", null);
// A worker of a task's own would have all of these again.
replace(globalThis, "Worker", refuse("Worker"));

/**
 * Locks `node:process` and the standard streams down as well; called before the first run. Not at the start of
 * the worker: loading these modules takes 20 ms and 4 MB, which an idle worker does not need to have spent.
 * `keepsOutput`: the frames of this worker go to its standard output.
 *
 * `import { kill } from "node:process"` captures the function itself, so the inner one that it calls by
 * name is replaced, too: Deno 2.9 lets a worker without permissions kill its own process.
 */
export async function lockProcessDown(keepsOutput: boolean): Promise<void> {
  const [{ closeSync }, { default: process }, { Readable }, { Worker }] = await Promise.all([
    import("node:fs"),
    import("node:process"),
    import("node:stream"),
    import("node:worker_threads"),
  ]);
  // Whoever has imported it by name has this very class, and it calls what it extends.
  Object.setPrototypeOf(
    Worker,
    class {
      constructor() {
        refuse("Worker")();
      }
    },
  );
  for (
    const name of [
      "exit",
      "reallyExit",
      "kill",
      "_kill",
      "abort",
      "chdir",
      "umask",
      "loadEnvFile",
    ]
  ) replace(process, name, refuse(`process.${name}`));
  replace(process.stdout, "write", refuse("process.stdout.write"));
  replace(process.stderr, "write", refuse("process.stderr.write"));
  // A new one each time, since a stream that has failed says nothing to whom asks next.
  Object.defineProperty(process, "stdin", {
    get: () =>
      new Readable({
        read() {
          this.destroy(new Error(noInput));
        },
      }),
    configurable: false,
  });
  // The worker's own copies of the standard streams, which `node:fs` reads and writes by number.
  for (const descriptor of keepsOutput ? [0, 2] : [0, 1, 2]) closeSync(descriptor);
}

const noInput = "a task has no standard input; its input is its params";
const closedInput = {
  read: () => Promise.reject(new Error(noInput)),
  readSync: () => {
    throw new Error(noInput);
  },
  get readable() {
    throw new Error(noInput);
  },
  isTerminal: () => false,
};
// The input of a runner is its protocol: a task that read it would take the server's messages away.
replace(Deno, "stdin", closedInput);

const closedOutput = {
  write: () =>
    Promise.reject(new Error("a task cannot write to the standard output; use context.log")),
  writeSync: () => {
    throw new Error("a task cannot write to the standard output; use context.log");
  },
  isTerminal: () => false,
};
replace(Deno, "stdout", closedOutput);
replace(Deno, "stderr", closedOutput);

for (
  const [name, level] of [
    ["log", "info"],
    ["info", "info"],
    ["debug", "debug"],
    ["trace", "debug"],
    ["dir", "info"],
    ["dirxml", "info"],
    ["table", "info"],
    ["group", "info"],
    ["groupCollapsed", "info"],
    ["warn", "warn"],
    ["error", "error"],
  ] as const
) {
  replace(console, name, (...values: unknown[]) => taskHooks.console(level, values));
}
replace(console, "assert", (isTrue: unknown, ...values: unknown[]) => {
  if (!isTrue) taskHooks.console("error", ["assertion failed", ...values]);
});
// The others would print past the log of the job.
for (const name of ["clear", "count", "countReset", "groupEnd", "time", "timeEnd", "timeLog"]) {
  replace(console, name, () => {});
}

// Deno loads its timers, 2 MB, when one is first read, which an idle worker does not: so the real ones are read
// with the first call.
function readWhenCalled<Timer>(name: string): () => Timer {
  const { get, value } = Object.getOwnPropertyDescriptor(globalThis, name)!;
  let real: Timer | undefined;
  return () => real ??= (get === undefined ? value : get.call(globalThis)) as Timer;
}

// The runtime reports an error that a timer's callback throws without the callback's async context: caught
// here, it can be told which run it belongs to.
function guardTimer(name: "setTimeout" | "setInterval") {
  const real = readWhenCalled<(callback: () => void, delayMs?: number) => unknown>(name);
  return (callback: (...values: unknown[]) => void, delayMs?: number, ...values: unknown[]) =>
    real()(() => {
      try {
        callback(...values);
      } catch (thrown) {
        taskHooks.timerError(thrown);
      }
    }, delayMs);
}
replace(globalThis, "setTimeout", guardTimer("setTimeout"));
replace(globalThis, "setInterval", guardTimer("setInterval"));

// What the task server uses while it runs: one task that replaced it would fail every later one.
for (
  const name of [
    "AbortController",
    "Atomics",
    "DOMException",
    "DataView",
    "Date",
    "Deno",
    "Error",
    "JSON",
    "Math",
    "Promise",
    "String",
    "TextEncoder",
    "TypeError",
    "Uint8Array",
    "console",
    "performance",
  ]
) replace(globalThis, name, Reflect.get(globalThis, name));
for (const namespace of [Atomics, Deno, JSON, Math]) Object.freeze(namespace);
replace(Date, "now", Date.now);
replace(Promise, "resolve", Promise.resolve);
replace(performance, "now", performance.now);
