// Whether a worker that was sent runs ahead ends any: what waits behind a run that takes its time is taken back.
// Used by the slot.

/** A worker that ended nothing for this long gives back what it was sent ahead. */
const stallMs = 4;

/** The progress of one worker, while it holds more than it runs. */
export class Progress {
  /** When to look next; Infinity: it holds no more than it runs. */
  nextMs: number = Infinity;
  #endedCount = 0;
  #endedCountSeen = 0;

  /** A run has ended. */
  note(): void {
    this.#endedCount += 1;
  }

  /** From now on some must end. */
  expect(nowMs: number): void {
    this.#endedCountSeen = this.#endedCount;
    this.nextMs = nowMs + stallMs;
  }

  /** Nothing is expected any more. */
  end(): void {
    this.nextMs = Infinity;
  }

  /** Whether none has ended in the time for it. If some have, others must from now on. */
  isStalled(nowMs: number): boolean {
    if (nowMs < this.nextMs) return false;
    if (this.#endedCount === this.#endedCountSeen) return true;
    this.expect(nowMs);
    return false;
  }
}
