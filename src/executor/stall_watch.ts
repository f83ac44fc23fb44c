// Looks at workers that tell of nothing for a while: what they have ended is read, and what they were sent
// and have not started comes back. Used by the pool.

import type { Slot } from "./slot.ts";

/** Watches the slots that are busy in one way, as long as there are such. */
export class StallWatch {
  readonly #afterMs: number;
  readonly #busySlots: () => readonly Slot[];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param afterMs how long a slot may make no progress. */
  constructor(afterMs: number, busySlots: () => readonly Slot[]) {
    this.#afterMs = afterMs;
    this.#busySlots = busySlots;
  }

  /** To be called when slots may have become busy; it goes on by itself until none is. */
  start(): void {
    if (this.#timer !== undefined) return;
    const watched = this.#busySlots().map((slot) => ({ slot, progress: slot.progress }));
    if (watched.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const { slot, progress } of watched) {
        if (slot.progress === progress && slot.isReady && slot.size > 0) slot.takeBack();
      }
      this.start();
    }, this.#afterMs);
  }

  /** Ends it until the next start. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
