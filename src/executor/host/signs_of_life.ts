// Whether the event loop of a worker still turns: what a task left behind may keep it busy for ever. Used by the slot.

/** After so long without a frame a worker is suspect; after so long once more it is asked. A busy machine delays healthy ones. */
const maxSilenceMs = 500;
/** However long it was silent before, a worker has this time, once, to start what it is sent. */
const minStartMs = 250;

/** When a worker last showed that it lives, and when it must do so. Times are those of the slot. */
export class SignsOfLife {
  /** Since when it owes a sign; Infinity: it owes none. */
  #silentSinceMs = Infinity;
  /** When one that is still silent is asked what it has started; Infinity: it is not suspect. */
  #judgeAtMs = Infinity;
  #latestJudgeAtMs = Infinity;

  /** It owes a sign: it was sent a run, or an outcome of it arrived. */
  expect(nowMs: number): void {
    if (this.#silentSinceMs === Infinity) this.#silentSinceMs = nowMs;
  }

  /** It was sent a run, and holds nothing else. */
  giveTimeToStart(nowMs: number): void {
    if (!this.isSuspect) return;
    const laterMs = Math.max(this.#judgeAtMs, nowMs + minStartMs);
    this.#judgeAtMs = Math.min(laterMs, this.#latestJudgeAtMs);
  }

  /** There was a sign; `isOwing`: there must be another one. */
  note(nowMs: number, isOwing: boolean): void {
    this.#silentSinceMs = isOwing ? nowMs : Infinity;
    this.#judgeAtMs = Infinity;
  }

  /** Whether it was silent for too long and must show a sign now. */
  get isSuspect(): boolean {
    return this.#judgeAtMs < Infinity;
  }

  /** Whether a suspect worker has had its time. */
  isOver(nowMs: number): boolean {
    return nowMs >= this.#judgeAtMs;
  }

  /** Looks whether it has been silent for too long. Returns when to look again; Infinity: it owes nothing. */
  check(nowMs: number): number {
    if (this.isSuspect || nowMs < this.#silentSinceMs + maxSilenceMs) return this.nextMs;
    this.#judgeAtMs = nowMs + maxSilenceMs;
    this.#latestJudgeAtMs = this.#judgeAtMs + minStartMs;
    return this.#judgeAtMs;
  }

  /** When to look again; Infinity: it owes nothing. */
  get nextMs(): number {
    return this.isSuspect ? this.#judgeAtMs : this.#silentSinceMs + maxSilenceMs;
  }
}
