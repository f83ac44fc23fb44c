// Gives back what waits behind a run that takes its time. Used by the pool.

import { startTimer } from "../../clock.ts";
import type { Slot } from "./slot.ts";

/** A worker that ended nothing for this long gives back what it was sent ahead. */
const stallMs = 4;

/** Watches the workers that hold more than they run, as long as there are any. */
export class StallWatch {
  readonly #findWatched: () => readonly Slot[];
  #cancelTimer: (() => void) | undefined;

  constructor(findWatched: () => readonly Slot[]) {
    this.#findWatched = findWatched;
  }

  /** Begins, if it has not and there is something to watch. */
  watch(): void {
    if (this.#cancelTimer !== undefined) return;
    const watched = this.#findWatched();
    if (watched.length === 0) return;
    const progress = watched.map((slot) => slot.progress);
    this.#cancelTimer = startTimer(stallMs, () => {
      this.#cancelTimer = undefined;
      for (const [index, slot] of watched.entries()) {
        if (slot.progress === progress[index] && slot.isReady && slot.size > 0) slot.takeBack();
      }
      this.watch();
    });
  }

  /** Ends for good. */
  stop(): void {
    this.#cancelTimer?.();
  }
}
