// Divides the work of long reads into slices, between which the event loop serves everybody else. Used by
// the repositories that read without waiting, and by src/http for the JSON of a page.

/** So long may all of them together hold up the event loop, and one step more. */
const maxSliceMs = 5;

/** What they have worked since the last turn. */
let spentMs = 0;
/** Who waits for a turn: one works in each, else ten would hold it up ten times as long. */
const line: (() => void)[] = [];

/** Work in small steps. Each one is followed by a look at `state`, the first one is preceded by it. */
export class SlicedWork {
  readonly #endMs: number;
  #sinceMs = performance.now();

  /** @param maxMs After so many milliseconds its state is `over`. */
  constructor(maxMs = Infinity) {
    this.#endMs = this.#sinceMs + maxMs;
  }

  /** `on`: take the next step; `long`: wait for {@link pause} first; `over`: its time is used up. */
  get state(): "on" | "long" | "over" {
    const nowMs = performance.now();
    spentMs += nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    if (nowMs >= this.#endMs) return "over";
    return spentMs < maxSliceMs ? "on" : "long";
  }

  /** Waits for a turn of the event loop in which no other such work has begun. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      line.push(resolve);
      if (line.length === 1) setTimeout(beginTurn);
    });
    this.#sinceMs = performance.now();
  }
}

/** A timer, because `setImmediate` and `nextTurn` come back without a look at most sockets: measured. */
function beginTurn(): void {
  spentMs = 0;
  line.shift()!();
  if (line.length > 0) setTimeout(beginTurn);
}
