// deno-lint-ignore-file no-console -- only looked at
// Undoes what one job did to the global objects before the next one runs. They are not frozen, since libraries replace
// them: for good while they are loaded, or for a while, such as with a fake clock.

const { defineProperty, getOwnPropertyDescriptor, keys } = Object;
// Deno 2.7, which compiles the executable, knows the global `Buffer` and has no type for it.
declare const Buffer: unknown;

/** Restores the global objects to how they were when this watch began. */
export interface GlobalsWatch {
  restore(): void;
}

/** Begins when all modules are loaded: what they made of the global objects is for their tasks. */
export function watchGlobals({ stdout, stderr }: NodeJS.Process): GlobalsWatch {
  const was = {
    AbortController,
    Array,
    Atomics,
    Buffer,
    DOMException,
    DataView,
    Date,
    Error,
    JSON,
    Map,
    Math,
    Object,
    Promise,
    RegExp,
    Set,
    String,
    TextDecoder,
    TextEncoder,
    TypeError,
    URL,
    Uint8Array,
    clearInterval,
    clearTimeout,
    console,
    fetch,
    performance,
    queueMicrotask,
    setInterval,
    setTimeout,
  };
  const wasAtomics = {
    compareExchange: Atomics.compareExchange,
    load: Atomics.load,
    store: Atomics.store,
  };
  const wasDate = { now: Date.now };
  const wasJSON = { parse: JSON.parse, stringify: JSON.stringify };
  const wasMath = {
    ceil: Math.ceil,
    floor: Math.floor,
    max: Math.max,
    min: Math.min,
    random: Math.random,
    round: Math.round,
  };
  const wasPromise = { all: Promise.all, reject: Promise.reject, resolve: Promise.resolve };
  const wasConsole = {
    debug: console.debug,
    error: console.error,
    info: console.info,
    log: console.log,
    warn: console.warn,
  };
  const wasPerformance = { now: performance.now };
  const wasStdout = { write: stdout.write };
  const wasStderr = { write: stderr.write };

  // This comes before every run, so each is named: 0.4 us on a busy machine, where a loop over names takes 5 us and a
  // worker 10 us for a short run.
  function isUntouched(): boolean {
    return AbortController === was.AbortController && Array === was.Array &&
      Atomics === was.Atomics && Buffer === was.Buffer && DOMException === was.DOMException &&
      DataView === was.DataView && Date === was.Date && Error === was.Error && JSON === was.JSON &&
      Map === was.Map && Math === was.Math && Object === was.Object && Promise === was.Promise &&
      RegExp === was.RegExp && Set === was.Set && String === was.String &&
      TextDecoder === was.TextDecoder && TextEncoder === was.TextEncoder &&
      TypeError === was.TypeError && URL === was.URL && Uint8Array === was.Uint8Array &&
      clearInterval === was.clearInterval && clearTimeout === was.clearTimeout &&
      console === was.console && fetch === was.fetch && performance === was.performance &&
      queueMicrotask === was.queueMicrotask && setInterval === was.setInterval &&
      setTimeout === was.setTimeout && Atomics.compareExchange === wasAtomics.compareExchange &&
      Atomics.load === wasAtomics.load && Atomics.store === wasAtomics.store &&
      Date.now === wasDate.now && JSON.parse === wasJSON.parse &&
      JSON.stringify === wasJSON.stringify && Math.ceil === wasMath.ceil &&
      Math.floor === wasMath.floor && Math.max === wasMath.max && Math.min === wasMath.min &&
      Math.random === wasMath.random && Math.round === wasMath.round &&
      Promise.all === wasPromise.all && Promise.reject === wasPromise.reject &&
      Promise.resolve === wasPromise.resolve && console.debug === wasConsole.debug &&
      console.error === wasConsole.error && console.info === wasConsole.info &&
      console.log === wasConsole.log && console.warn === wasConsole.warn &&
      performance.now === wasPerformance.now && stdout.write === wasStdout.write &&
      stderr.write === wasStderr.write;
  }

  const kept = [
    ...keep(globalThis, was),
    ...keep(Atomics, wasAtomics),
    ...keep(Date, wasDate),
    ...keep(JSON, wasJSON),
    ...keep(Math, wasMath),
    ...keep(Promise, wasPromise),
    ...keep(console, wasConsole),
    ...keep(performance, wasPerformance),
    ...keep(stdout, wasStdout),
    ...keep(stderr, wasStderr),
  ];
  return {
    restore() {
      try {
        if (isUntouched()) return;
      } catch {
        // What was an object is null now.
      }
      for (const { target, key, descriptor } of kept) {
        try {
          if (descriptor === undefined) delete target[key];
          else defineProperty(target, key, descriptor);
        } catch {
          // A task made it unchangeable: that holds until the worker ends.
        }
      }
    },
  };
}

interface Kept {
  readonly target: Record<string, unknown>;
  readonly key: string;
  readonly descriptor: PropertyDescriptor | undefined;
}

function keep(target: object, was: object): Kept[] {
  return keys(was).map((key) => {
    const descriptor = getOwnPropertyDescriptor(target, key);
    return { target: target as Record<string, unknown>, key, descriptor };
  });
}
