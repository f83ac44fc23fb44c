// One consumer that waits in `take`; used by the queue drivers of this folder. It holds no message.

import type { Delivery } from "../../src/jobs/queue.ts";

/** The `take` that waits, if there is one. */
export class WaitingTake {
  #wake: (() => void) | undefined;

  /** Whether one waits. */
  get isWaiting(): boolean {
    return this.#wake !== undefined;
  }

  /** Waits for {@link wake} and gives what `takeNow` then has; an aborted signal gives an empty array. */
  wait(
    signal: AbortSignal,
    takeNow: () => readonly Delivery[],
  ): Promise<readonly Delivery[]> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        signal.removeEventListener("abort", wake);
        resolve(signal.aborted ? [] : takeNow());
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake);
    });
  }

  /** Ends the wait: there is a message, or the queue is closed. */
  wake(): void {
    this.#wake?.();
  }
}
