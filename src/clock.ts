// The only place that reads the time and waits for it. Services get a Clock, tests a fake one.

/** Tells the time and waits. */
export interface Clock {
  /** Milliseconds since the Unix epoch, UTC. */
  now(): number;
  /** Resolves after `ms` milliseconds (any length, also days), or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Epoch milliseconds of a clock that no one can set back or forth: for deadlines and lengths of time within
 * this process.
 */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

// By its global name, which the types of newer Denos alone know: to import the module of Node that exports it
// costs a process 1 MB.
declare function setImmediate(callback: () => void): unknown;

/** Returns in the next turn of the event loop, when everything that is ready in this one has run. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The longest delay that a timer of the runtime can hold: 2^31 - 1 milliseconds, 24.8 days. */
const maxTimerMs = 2_147_483_647;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    for (let left = ms; left > 0 && !signal.aborted; left -= maxTimerMs) {
      await sleepOnce(Math.min(left, maxTimerMs), signal);
    }
  },
};

/** Resolves with the promise, or after so many milliseconds. Rejects as the promise does. */
export async function endsWithin(
  promise: Promise<unknown> | undefined,
  ms: number,
): Promise<void> {
  const ended = new AbortController();
  try {
    await Promise.race([promise, systemClock.sleep(ms, ended.signal)]);
  } finally {
    ended.abort();
  }
}

function sleepOnce(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
