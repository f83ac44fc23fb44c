// Takes from task code what would end or confuse the worker or the whole server, and gives it what packages expect.
// Imported first by a worker's entry, so that it runs before any task module is evaluated.

import { replaceConsole } from "./console.ts";
import { denyInDeno, denyInNode } from "./denials.ts";
import { replaceDescriptors } from "./descriptors.ts";
import { overlayEnvironment } from "./environment.ts";
import { replaceProcess, umask } from "./process_object.ts";
import { refuse, refuseAll, replace } from "./refusals.ts";
import { replaceDenoStreams, replaceProcessStreams } from "./standard_streams.ts";
import { guardTimers } from "./timers.ts";

/** The real way to the host. */
export const postToHost: (message: unknown) => void = globalThis.postMessage.bind(globalThis);

/** The real stdout: the protocol of a runner process. Tasks see another object. */
export const standardOutput: typeof Deno.stdout = Deno.stdout;

const noThread =
  "work that needs a thread or a process of its own belongs into a service, called over HTTP";

refuseAll(Deno, "Deno", ["exit", "kill", "chdir"]);
replace(Deno, "umask", umask("Deno.umask"));
// These would take something from the later jobs of the worker, or from the whole process.
refuseAll(Deno.Permissions.prototype, "Deno.permissions", [
  "request",
  "requestSync",
  "revoke",
  "revokeSync",
]);
// Signals are the server's: one that a task listens to would no longer end the process.
for (const name of ["addSignalListener", "removeSignalListener"]) replace(Deno, name, () => {});
denyInDeno();
overlayEnvironment();
replaceDenoStreams();
Object.freeze(Deno);
replace(globalThis, "close", refuse("close"));
replace(globalThis, "postMessage", refuse("postMessage"));
replace(globalThis, "onmessage", null);
// A worker of a task's own would have all of these again.
replace(globalThis, "Worker", refuse("Worker", noThread));
let format: typeof import("node:util").format;
// Before any module of Node is loaded: `import { log } from "node:console"` has what is there then.
replaceConsole((...values) => format(...values));

/**
 * Locks down what Node's modules give, which takes 10 ms and 4 MB. Before any task code is loaded: it may import
 * them all. `keepsOutput`: the frames of this worker go to its standard output.
 * Gives `process`.
 */
export async function lockProcessDown(keepsOutput: boolean): Promise<NodeJS.Process> {
  const { default: process } = await import("node:process");
  // In place, before the first module imports it: see `replaceDescriptors`.
  replaceDescriptors(process.getBuiltinModule("fs"), keepsOutput);
  denyInNode(process);
  replaceProcess(process);
  replaceProcessStreams(process);
  guardTimers(process);
  ({ format } = process.getBuiltinModule("util"));
  // Whoever has imported it by name has this very class, and it calls what it extends.
  Object.setPrototypeOf(
    process.getBuiltinModule("worker_threads").Worker,
    refuse("Worker", noThread),
  );
  return process;
}
