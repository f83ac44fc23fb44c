// deno-lint-ignore-file no-console -- only looked at
// Undoes what one job did to the global objects before the next one runs. They are not frozen, since libraries replace
// them: for good while they are loaded, or for a while, such as with a fake clock.

const { defineProperty, getOwnPropertyDescriptor } = Object;

/** Restores the global objects to how they were when this watch began. */
export interface GlobalsWatch {
  restore(): void;
}

/**
 * Begins when all modules are loaded: what they made of the global objects is for their tasks.
 *
 * All of it is looked at before every run. So each value is read by a function of its own, which V8 makes quick: one
 * loop that reads them by their names takes ten times as long, as much as a short run.
 */
export function watchGlobals({ stdout, stderr }: NodeJS.Process): GlobalsWatch {
  const watched = watchedGlobals().concat(
    { target: stdout, key: "write", read: () => stdout.write },
    { target: stderr, key: "write", read: () => stderr.write },
  ).map(({ target, key, read }) => {
    return { target, key, read, value: read(), descriptor: getOwnPropertyDescriptor(target, key) };
  });
  return {
    restore() {
      for (let i = 0; i < watched.length; i++) {
        const { target, key, read, value, descriptor } = watched[i]!;
        try {
          if (read() === value) continue;
          if (descriptor === undefined) delete (target as Record<string, unknown>)[key];
          else defineProperty(target, key, descriptor);
        } catch {
          // A task made it unchangeable: that holds until the worker ends.
        }
      }
    },
  };
}

interface Watched {
  readonly target: object;
  readonly key: string;
  readonly read: () => unknown;
}

function watchedGlobals(): Watched[] {
  const of = (target: object, readers: Readonly<Record<string, () => unknown>>): Watched[] =>
    Object.entries(readers).map(([key, read]) => ({ target, key, read }));
  return [
    ...of(globalThis, {
      AbortController: () => AbortController,
      Array: () => Array,
      Atomics: () => Atomics,
      // Without its name: Deno before 2.8 has no type for it outside of node:buffer.
      Buffer: () => (globalThis as { Buffer?: unknown }).Buffer,
      DOMException: () => DOMException,
      DataView: () => DataView,
      Date: () => Date,
      Error: () => Error,
      JSON: () => JSON,
      Map: () => Map,
      Math: () => Math,
      Object: () => Object,
      Promise: () => Promise,
      RegExp: () => RegExp,
      Set: () => Set,
      String: () => String,
      TextDecoder: () => TextDecoder,
      TextEncoder: () => TextEncoder,
      TypeError: () => TypeError,
      URL: () => URL,
      Uint8Array: () => Uint8Array,
      clearInterval: () => clearInterval,
      clearTimeout: () => clearTimeout,
      console: () => console,
      fetch: () => fetch,
      performance: () => performance,
      queueMicrotask: () => queueMicrotask,
      setInterval: () => setInterval,
      setTimeout: () => setTimeout,
    }),
    ...of(Atomics, {
      compareExchange: () => Atomics.compareExchange,
      load: () => Atomics.load,
      store: () => Atomics.store,
    }),
    ...of(Date, { now: () => Date.now }),
    ...of(JSON, { parse: () => JSON.parse, stringify: () => JSON.stringify }),
    ...of(Math, {
      ceil: () => Math.ceil,
      floor: () => Math.floor,
      max: () => Math.max,
      min: () => Math.min,
      random: () => Math.random,
      round: () => Math.round,
    }),
    ...of(Promise, {
      all: () => Promise.all,
      reject: () => Promise.reject,
      resolve: () => Promise.resolve,
    }),
    ...of(console, {
      debug: () => console.debug,
      error: () => console.error,
      info: () => console.info,
      log: () => console.log,
      warn: () => console.warn,
    }),
    ...of(performance, { now: () => performance.now }),
  ];
}
