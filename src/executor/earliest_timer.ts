// One timer for many deadlines: set anew only by a deadline that comes before the armed one, so that a
// run whose deadline is far away costs nothing. Used by the pool and, inside workers, the task server.

import { startTimer } from "../clock.ts";

// Captured before any task code is loaded: what a task makes of the built-in objects changes nothing here.
const { max, min } = Math;

/** The longest delay that a timer of the runtime can hold: 2^31 - 1 milliseconds, 24.8 days. */
const maxDelayMs = 2_147_483_647;

/** Calls back at the earliest of the armed times, or before: who is called looks what is due. */
export class EarliestTimer {
  readonly #now: () => number;
  readonly #onTime: (armedAtMs: number) => void;
  readonly #start: typeof startTimer;
  #armedAtMs = Infinity;
  #cancel = () => {};

  /** `onTime` gets the time that was armed, and arms the timer again for what is not yet due. */
  constructor(now: () => number, onTime: (armedAtMs: number) => void, start = startTimer) {
    this.#now = now;
    this.#onTime = onTime;
    this.#start = start;
  }

  /** Makes sure of a call at that time; Infinity: none is needed. */
  arm(atMs: number): void {
    if (atMs >= this.#armedAtMs) return;
    this.#cancel();
    this.#armedAtMs = atMs;
    const delayMs = min(max(0, atMs - this.#now()), maxDelayMs);
    this.#cancel = this.#start(delayMs, () => {
      this.#armedAtMs = Infinity;
      this.#onTime(atMs);
    });
  }

  /** No call comes any more, until the timer is armed again. */
  disarm(): void {
    this.#cancel();
    this.#armedAtMs = Infinity;
  }
}
