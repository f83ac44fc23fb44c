// Makes the errors that callbacks of timers throw known with the run that set the timer.

import { replaceFunction } from "./refusals.ts";
import { taskHooks } from "./task_hooks.ts";

type Callback = (this: unknown, ...values: unknown[]) => unknown;

/**
 * Guards the callback of every timer, whichever module set it. The runtime reports what a timer's callback throws
 * without the callback's async context: caught here, it can be told which run it belongs to.
 */
export function guardTimers(process: NodeJS.Process): void {
  const nodeTimers = process.getBuiltinModule("timers");
  const { AsyncLocalStorage } = process.getBuiltinModule("async_hooks");
  const timeout = nodeTimers.setTimeout(() => {}, 0);
  const immediate = nodeTimers.setImmediate(() => {});
  // Also of those who import `setTimeout` from `node:timers`: the functions cannot be replaced there.
  guardAssignments(timeout, "_onTimeout", (callback) => guarded(callback, tellError));
  guardAssignments(immediate, "_onImmediate", (callback) => {
    // An immediate has left the async context of its callback when that has thrown.
    const inContext = AsyncLocalStorage.snapshot();
    return guarded(callback, (thrown) => inContext(tellError, thrown));
  });
  nodeTimers.clearTimeout(timeout);
  nodeTimers.clearImmediate(immediate);

  // Up to Deno 2.7 the global timers are others than those of `node:timers`: they are numbers.
  const handle: unknown = setTimeout(() => {}, 0);
  clearTimeout(handle as number);
  if (typeof handle !== "number") return;
  // Nor have they what `util.promisify` looks for.
  Object.defineProperty(setTimeout, process.getBuiltinModule("util").promisify.custom, {
    value: process.getBuiltinModule("timers/promises").setTimeout,
    configurable: true,
  });
  for (const name of ["setTimeout", "setInterval"]) {
    replaceFunction(
      globalThis,
      name,
      (real) => (callback: unknown, ...values: unknown[]) =>
        real(
          typeof callback === "function" ? guarded(callback as Callback, tellError) : callback,
          ...values,
        ),
    );
  }
}

/** The constructors of Node's timers assign their callback, which then meets this setter. */
function guardAssignments(
  timer: object,
  name: string,
  guard: (callback: Callback) => Callback,
): void {
  const callbacks = new WeakMap<object, unknown>();
  Object.defineProperty(Object.getPrototypeOf(timer), name, {
    get(this: object) {
      return callbacks.get(this);
    },
    set(this: object, callback: unknown) {
      const isFunction = typeof callback === "function";
      callbacks.set(this, isFunction ? guard(callback as Callback) : callback);
    },
    configurable: true,
  });
}

function tellError(thrown: unknown): void {
  taskHooks.timerError(thrown);
}

function guarded(callback: Callback, onError: (thrown: unknown) => void): Callback {
  return function (...values) {
    try {
      return callback.apply(this, values);
    } catch (thrown) {
      onError(thrown);
      return undefined;
    }
  };
}
