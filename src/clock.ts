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

/**
 * Returns in the next turn of the event loop, when everything that is ready in this one has run. Sockets may have
 * to wait for more turns than one: long work divides itself with jobs/sliced_work.ts.
 */
export async function nextTurn(): Promise<void> {
  const turn = Atomics.waitAsync(turns, 0, 0);
  Atomics.notify(turns, 0);
  // The process would end with such a wait alone under way.
  const cancelTimer = startTimer(1_000, () => {});
  await turn.value;
  cancelTimer();
}

/** The longest timer of the runtime: one that is needed no more must not stay for days. */
const maxDelayMs = 60_000;

const turns = new Int32Array(new SharedArrayBuffer(4));

interface Timer {
  /** By `performance.now()`. */
  readonly atMs: number;
  readonly onTime: () => void;
}

const timers = new Set<Timer>();
/** When the timers of the runtime that are under way will end, the next one last. */
const wakesAtMs: number[] = [];

/**
 * Calls back once after `ms` milliseconds (any length, also days), never before, and not within this call.
 * Returns what prevents the call.
 *
 * For `setTimeout`, which would do, Deno loads the timers of Node: 3 MB, and 15 ms of every start. That of
 * AbortSignal cannot be cleared, so all callers share as few of them as there can be.
 */
export function startTimer(ms: number, onTime: () => void): () => void {
  const timer = { atMs: performance.now() + ms, onTime };
  wakeAt(timer.atMs);
  timers.add(timer);
  return () => void timers.delete(timer);
}

function wakeAt(atMs: number): void {
  if (atMs >= (wakesAtMs.at(-1) ?? Infinity)) return;
  const nowMs = performance.now();
  const delayMs = Math.min(Math.max(0, Math.ceil(atMs - nowMs)), maxDelayMs);
  AbortSignal.timeout(delayMs).addEventListener("abort", wake);
  wakesAtMs.push(Math.min(atMs, nowMs + delayMs));
}

function wake(): void {
  wakesAtMs.pop();
  const nowMs = performance.now();
  let next: Timer | undefined;
  try {
    while ((next = earliestTimer()) !== undefined && next.atMs <= nowMs) {
      timers.delete(next);
      next.onTime();
    }
  } finally {
    // Also for what is due behind one that throws.
    wakeAt(earliestTimer()?.atMs ?? Infinity);
  }
}

function earliestTimer(): Timer | undefined {
  let earliest: Timer | undefined;
  for (const timer of timers) {
    if (earliest === undefined || timer.atMs < earliest.atMs) earliest = timer;
  }
  return earliest;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        cancel();
        signal.removeEventListener("abort", end);
        resolve();
      };
      const cancel = startTimer(ms, end);
      signal.addEventListener("abort", end);
    });
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
