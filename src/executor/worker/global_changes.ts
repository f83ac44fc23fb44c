// Undoes what one job did to the global objects before the next one runs. Libraries may replace them while they are
// loaded, or for a while (a fake clock), so they are not frozen.

const namespaces = [Atomics, JSON, Math, console];
const names = [
  "AbortController",
  "Array",
  "Atomics",
  "DOMException",
  "DataView",
  "Date",
  "Error",
  "JSON",
  "Map",
  "Math",
  "Object",
  "Promise",
  "Set",
  "String",
  "TextEncoder",
  "TypeError",
  "Uint8Array",
  "clearInterval",
  "clearTimeout",
  "console",
  "fetch",
  "performance",
  "process",
  "queueMicrotask",
  "setInterval",
  "setTimeout",
];
const { defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames } = Object;

/** Restores the global objects to how they were when this watch began. */
export interface GlobalsWatch {
  restore(): void;
}

/** Begins when all modules are loaded: what they made of the global objects is for their tasks. */
export function watchGlobals(process: NodeJS.Process): GlobalsWatch {
  const targets: object[] = [];
  const keys: string[] = [];
  const values: unknown[] = [];
  const descriptors: (PropertyDescriptor | undefined)[] = [];
  const add = (target: object, key: string) => {
    const value: unknown = (target as Record<string, unknown>)[key];
    targets.push(target);
    keys.push(key);
    values.push(value);
    descriptors.push(getOwnPropertyDescriptor(target, key));
  };
  for (const name of names) add(globalThis, name);
  add(Date, "now");
  add(Promise, "resolve");
  add(performance, "now");
  for (const namespace of [...namespaces, process]) {
    for (const key of getOwnPropertyNames(namespace)) {
      // Not what is computed anew with each read.
      if (getOwnPropertyDescriptor(namespace, key)?.get === undefined) add(namespace, key);
    }
  }
  for (const stream of [process.stdout, process.stderr]) add(stream, "write");
  return {
    restore() {
      for (let i = 0; i < targets.length; i++) {
        const target = targets[i] as Record<string, unknown>;
        const key = keys[i]!;
        if (target[key] === values[i]) continue;
        try {
          const descriptor = descriptors[i];
          if (descriptor === undefined) delete target[key];
          else defineProperty(target, key, descriptor);
        } catch {
          // A task made it unchangeable, for the rest of this worker's life.
        }
      }
    },
  };
}
