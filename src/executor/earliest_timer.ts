// One timer for many deadlines: set anew only by a deadline that comes before the armed one, so that a
// run whose deadline is far away costs nothing. Used by the pool and, inside workers, the task server.

/** The longest delay that a timer of the runtime can hold. */
const maxTimerMs = 2_147_483_647;

/** Calls back at the earliest of the armed times, or before: who is called looks what is due. */
export class EarliestTimer {
  readonly #now: () => number;
  readonly #onTime: () => void;
  #armedAtMs = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onTime` arms the timer again for what is not yet due. */
  constructor(now: () => number, onTime: () => void) {
    this.#now = now;
    this.#onTime = onTime;
  }

  /** Makes sure of a call at that time; Infinity: none is needed. */
  arm(atMs: number): void {
    if (atMs >= this.#armedAtMs) return;
    clearTimeout(this.#timer);
    this.#armedAtMs = atMs;
    const delayMs = Math.min(Math.max(0, atMs - this.#now()), maxTimerMs);
    this.#timer = setTimeout(() => {
      this.#armedAtMs = Infinity;
      this.#onTime();
    }, delayMs);
  }

  /** No call comes any more, until the timer is armed again. */
  disarm(): void {
    clearTimeout(this.#timer);
    this.#armedAtMs = Infinity;
  }
}
