// What no permission of Valet gives a task: programs, native code, threads. Says so in one line, with the way round it.

import { replace, replaceFunction } from "./refusals.ts";
import { taskHooks } from "./task_hooks.ts";

const waysRound = {
  ffi: "a task loads no native code; use a package without it, or a service over HTTP",
  run: "a task starts no program; let a service of its own do that, and call it over HTTP",
} as const;

/** The permissions that no task can have, with what to do. */
export type DeniedPermission = keyof typeof waysRound;

/** `needs run access to "ffmpeg", which no task can have: ...`. `resource` is as Deno quotes it. */
export function denialOf(permission: DeniedPermission, resource?: string): string {
  const what = resource === undefined ? "" : ` to ${resource}`;
  return `needs ${permission} access${what}, which no task can have: ${waysRound[permission]}`;
}

/** Whether tasks cannot have that permission. */
export function isDenied(permission: string): permission is DeniedPermission {
  return permission === "ffi" || permission === "run";
}

/** Replaces what `Deno` has for programs and native code. */
export function denyInDeno(): void {
  replaceFunction(Deno, "Command", () =>
    function (program: unknown) {
      deny("run", program);
    });
  replaceFunction(Deno, "dlopen", () => (file: unknown) => deny("ffi", file));
}

const startingFunctions = [
  "exec",
  "execFile",
  "execFileSync",
  "execSync",
  "fork",
  "spawn",
  "spawnSync",
];

/** Replaces what Node's modules have for them. Nobody may have imported `node:child_process` before. */
export function denyInNode(process: NodeJS.Process): void {
  const childProcess = process.getBuiltinModule("child_process");
  for (const name of startingFunctions) {
    replaceFunction(childProcess, name, () => (program: unknown) => deny("run", program));
  }
  const { _extensions } = process.getBuiltinModule("module") as unknown as {
    readonly _extensions: object;
  };
  const loadNative = (_module: unknown, file: unknown) => deny("ffi", file);
  replace(_extensions, ".node", loadNative);
  replace(process, "dlopen", loadNative);
}

const { String } = globalThis;
const { stringify } = JSON;

let lastDenial: string | undefined;

/** What was denied since it was asked last, for the loading of modules, which is no run. */
export function takeDenial(): string | undefined {
  const text = lastDenial;
  lastDenial = undefined;
  return text;
}

function deny(permission: DeniedPermission, resource: unknown): never {
  const text = denialOf(permission, stringify(String(resource)));
  lastDenial = text;
  taskHooks.denied(text);
  throw new Error(text);
}
