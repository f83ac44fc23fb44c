// One timer for many deadlines: set anew only by a deadline that comes before the armed one, so that a
// run whose deadline is far away costs nothing. Used by the pool and, inside workers, the task server.

import { startTimer } from "../clock.ts";

/** Calls back at the earliest of the armed times: who is called looks what is due. */
export class EarliestTimer {
  readonly #now: () => number;
  readonly #onTime: () => void;
  #armedAtMs = Infinity;
  #cancel = () => {};

  /** `onTime` arms the timer again for what is not yet due. */
  constructor(now: () => number, onTime: () => void) {
    this.#now = now;
    this.#onTime = onTime;
  }

  /** Makes sure of a call at that time; Infinity: none is needed. */
  arm(atMs: number): void {
    if (atMs >= this.#armedAtMs) return;
    this.#cancel();
    this.#armedAtMs = atMs;
    this.#cancel = startTimer(atMs - this.#now(), () => {
      this.#armedAtMs = Infinity;
      this.#onTime();
    });
  }

  /** No call comes any more, until the timer is armed again. */
  disarm(): void {
    this.#cancel();
    this.#armedAtMs = Infinity;
  }
}
