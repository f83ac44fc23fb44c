// The environment as tasks see it: that of the process, as far as their permissions go, under a layer of
// changes that belongs to this worker alone. Neither the server nor another worker sees a change.

import { replace } from "./refusals.ts";
import { taskHooks } from "./task_hooks.ts";

/** Which variables Deno lets anybody read. */
const publicNames = ["FORCE_COLOR", "NODE_DEBUG", "NODE_OPTIONS", "NO_COLOR"];

// Captured before any task code is loaded: what a task makes of the built-in objects changes nothing here.
const { Proxy, Reflect, String, TypeError } = globalThis;
const { isArray } = Array;
const { entries, hasOwn } = Object;
const { stringify } = JSON;
const { get: readReal, toObject: readAllReal } = Deno.env;

/** What tasks have set, and `undefined` for what they have deleted. */
const changes = new Map<string, string | undefined>();
let readableNames: readonly string[] = publicNames;
/** Whether a read that is refused is no error. */
let isLookingAround = false;

/** Replaces the functions of `Deno.env`. `process.env` calls them for whatever it does. */
export function overlayEnvironment(): void {
  replace(Deno.env, "get", read);
  replace(Deno.env, "has", (name: string) => read(name) !== undefined);
  replace(Deno.env, "set", set);
  replace(Deno.env, "delete", (name: string) => {
    checkName(name);
    changes.set(String(name), undefined);
  });
  replace(Deno.env, "toObject", () => withChanges(readAllReal()));
}

/** Says what `permissions.env` of this worker is. Deno itself lists the names to nobody who may not read all. */
export function setReadableNames(env: unknown): void {
  readableNames = isArray(env) ? [...publicNames, ...env.map(String)] : publicNames;
}

/**
 * `process.env` for tasks. A read of a variable that they may not read is an error; where they only look around
 * (`in`, a list of the names), the variable is not there.
 */
export function lenientEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const orUndefined = <T>(read: () => T): T | undefined => {
    isLookingAround = true;
    try {
      return read();
    } catch {
      return undefined;
    } finally {
      isLookingAround = false;
    }
  };
  // The target is an object of its own: a proxy's answers are checked against its target, and asking that of Deno
  // would throw.
  return new Proxy<NodeJS.ProcessEnv>({}, {
    get: (_target, name) => Reflect.get(env, name),
    set: (_target, name, value) => Reflect.set(env, name, value),
    has: (_target, name) => orUndefined(() => Reflect.has(env, name)) ?? false,
    deleteProperty: (_target, name) => Reflect.deleteProperty(env, name),
    defineProperty: (_target, name, descriptor) => Reflect.defineProperty(env, name, descriptor),
    ownKeys: () => Reflect.ownKeys(readAllPermitted()),
    getOwnPropertyDescriptor: (_target, name) =>
      orUndefined(() => Reflect.getOwnPropertyDescriptor(env, name)),
  });
}

/** As `process.loadEnvFile`: variables that are there stay as they are. */
export function addToEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  const present = readAllPermitted();
  for (const [name, value] of entries(variables)) {
    if (value !== undefined && !hasOwn(present, name)) set(name, value);
  }
}

function read(name: string): string | undefined {
  if (changes.has(name)) return changes.get(name);
  try {
    return readReal(name);
  } catch (thrown) {
    if (isLookingAround || !taskHooks.refusedVariable(String(name), thrown)) throw thrown;
    return undefined;
  }
}

function set(name: string, value: string): void {
  checkName(name);
  if (String(value).includes("\0")) {
    throw new TypeError(`Cannot set "${name}" in the environment: its value has a NUL character`);
  }
  changes.set(String(name), String(value));
}

function withChanges(variables: Record<string, string>): Record<string, string> {
  for (const [name, value] of changes) {
    if (value === undefined) delete variables[name];
    else variables[name] = value;
  }
  return variables;
}

function readAllPermitted(): Record<string, string> {
  try {
    return withChanges(readAllReal());
  } catch {
    // It needs permission for all of them.
  }
  const permitted: Record<string, string> = {};
  for (const name of readableNames) {
    try {
      const value = readReal(name);
      if (value !== undefined) permitted[name] = value;
    } catch {
      // Such as a pattern, `AWS_*`: names that it stands for can be read one by one, not listed.
    }
  }
  return withChanges(permitted);
}

function checkName(name: string): void {
  if (String(name) === "" || /[=\0]/.test(String(name))) {
    throw new TypeError(
      `Cannot change the environment: a variable cannot be called ${stringify(String(name))}`,
    );
  }
}
