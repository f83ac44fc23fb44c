// Bounds how much one job may log: a burst, then so much a second.

const { min } = Math;

const burstLines = 1_000;
const burstBytes = 1_048_576;
const bytesPerSecond = 262_144;

/** What a job may still log. */
export class LogAllowance {
  #lines = 0;
  #bytesLeft = burstBytes;
  #filledAtMs = 0;

  /** Takes a line of so many bytes (characters will do); false: it must be dropped. `nowMs`: any steady clock. */
  take(bytes: number, nowMs: number): boolean {
    const capacity = this.#lines < burstLines ? burstBytes : bytesPerSecond;
    const filled = this.#bytesLeft + (nowMs - this.#filledAtMs) * bytesPerSecond / 1_000;
    this.#bytesLeft = min(capacity, filled);
    this.#filledAtMs = nowMs;
    if (bytes > this.#bytesLeft) return false;
    this.#bytesLeft -= bytes;
    this.#lines += 1;
    return true;
  }
}
