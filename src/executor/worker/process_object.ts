// `process` as tasks see it: they may assign to it, as to an object of their own, and end nothing by it.

import { addToEnvironment, lenientEnvironment } from "./environment.ts";
import { refuse, refuseAll, replace } from "./refusals.ts";
import { taskHooks } from "./task_hooks.ts";

/** What most systems have. Reading the real one takes a permission, and sets it for a moment. */
const usualUmask = 0o022;

/**
 * Replaces what would end, stop or change the process.
 *
 * `import { kill } from "node:process"` has the function itself, so the inner one that it calls by its name is
 * replaced, too: Deno 2.9 lets a worker without permissions kill its own process.
 */
export function replaceProcess(process: NodeJS.Process): void {
  refuseAll(process, "process", ["exit", "reallyExit", "kill", "_kill", "abort", "chdir"]);
  replace(process, "umask", umask("process.umask"));
  replace(process, "env", lenientEnvironment(process.env));
  replace(process, "loadEnvFile", (path: string | URL = ".env") => {
    const { readFileSync } = process.getBuiltinModule("fs");
    const { parseEnv } = process.getBuiltinModule("util");
    addToEnvironment(parseEnv(readFileSync(path, "utf8")));
  });
  // A task is no child process with a channel to its parent. Deno throws where it is asked for one.
  for (const name of ["channel", "connected", "disconnect", "send"]) {
    replace(process, name, undefined);
  }
  makeAssignable(process);
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message, code, detail }: Warning) => {
    const title = code === undefined ? name : `${name} [${code}]`;
    taskHooks.log("warn", `${title}: ${message}${detail === undefined ? "" : `\n${detail}`}`);
  });
}
interface Warning extends Error {
  readonly code?: string;
  readonly detail?: string;
}

/** Reads as usual; a change would be one for the whole server. `name`: how a task names the function. */
export function umask(name: string): (mask?: number) => number {
  return (mask) => mask === undefined ? usualUmask : refuse(name)();
}

function makeAssignable(process: NodeJS.Process): void {
  const properties = Object.entries(Object.getOwnPropertyDescriptors(process));
  for (const [name, { configurable, get, set, writable }] of properties) {
    if (!configurable || set !== undefined || writable) continue;
    if (get === undefined) replace(process, name, Reflect.get(process, name));
    else {
      Object.defineProperty(process, name, { set: (value) => replace(process, name, value) });
    }
  }
}
