// Divides long reads into slices, between which the event loop serves other requests. Used by the repositories
// that read without waiting, and by src/http for the JSON of a page.

/** The longest time that all long reads together hold up the event loop, but for one step. */
const maxSliceMs = 5;

/** The time that all of them have worked since the last turn. */
let spentMs = 0;
/** Reads that wait for a turn. One of them works in each turn: ten would hold it up ten times as long. */
const line: (() => void)[] = [];

/** One long read. Its caller looks at `state` before the first step and after each. */
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

  /** Waits for a turn of the event loop in which no other long read works. */
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
