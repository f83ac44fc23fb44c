// Undoes what a job did to the global objects before the next job starts. They are not frozen, since libraries replace
// them: for good while they are loaded, or for a while, such as with a fake clock.

const { defineProperty, getOwnPropertyDescriptor } = Object;

/** The properties that are restored: what tests and libraries replace, and what most code calls. */
const restoredNames: readonly (readonly [target: object, names: string])[] = [
  [globalThis, "AbortController Atomics Buffer DOMException DataView Date Error JSON Math"],
  [globalThis, "Promise String TextEncoder TypeError URL Uint8Array clearInterval clearTimeout"],
  [globalThis, "console fetch performance queueMicrotask setInterval setTimeout"],
  [Atomics, "compareExchange"],
  [Date, "now"],
  [JSON, "parse stringify"],
  [Math, "min random"],
  [Promise, "resolve"],
  [console, "debug error info log warn"],
  [performance, "now"],
];

/**
 * Returns a function that restores the global objects to how they are now. To be called when all modules are loaded:
 * what they made of the global objects is for their tasks. A call without changes costs 1 us.
 */
export function rememberGlobals({ stdout, stderr }: NodeJS.Process): () => void {
  const restored = [...restoredNames, [stdout, "write"], [stderr, "write"]] as const;
  const properties = restored.flatMap(([target, names]) =>
    names.split(" ").map((name) => {
      const values = target as Record<string, unknown>;
      const descriptor = getOwnPropertyDescriptor(values, name);
      return { values, name, value: values[name], descriptor };
    })
  );
  return () => {
    for (let i = 0; i < properties.length; i++) {
      const { values, name, value, descriptor } = properties[i]!;
      try {
        if (values[name] === value) continue;
        if (descriptor === undefined) delete values[name];
        else defineProperty(values, name, descriptor);
      } catch {
        // A task made it unchangeable: that holds until the worker ends.
      }
    }
  };
}
