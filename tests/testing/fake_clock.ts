// A clock that stands still until the test moves it. For tests of what waits for a time.

import type { Clock } from "../../src/clock.ts";
import { within } from "./within.ts";

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

/** Time in the hands of a test. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #sleepers = new Set<Sleeper>();
  #onSleep: (() => void) | undefined;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  readonly now = (): number => this.#nowMs;

  /** As the contract says; it also wakes at once where the time is not in the future. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { wakeAtMs: this.#nowMs + ms, wake };
      signal.addEventListener("abort", wake);
      this.#sleepers.add(sleeper);
      this.#onSleep?.();
    });
  }

  /** Waits until somebody sleeps; for how long, in milliseconds from now, the first of them will. */
  async asleep(): Promise<number> {
    if (this.#sleepers.size === 0) {
      const slept = new Promise<void>((resolve) => this.#onSleep = resolve);
      await within(slept, "somebody to sleep");
      this.#onSleep = undefined;
    }
    return Math.min(...[...this.#sleepers].map(({ wakeAtMs }) => wakeAtMs)) - this.#nowMs;
  }

  /** Moves the time on and wakes who has slept long enough. */
  advance(ms: number): void {
    this.#nowMs += ms;
    for (const { wakeAtMs, wake } of [...this.#sleepers]) if (wakeAtMs <= this.#nowMs) wake();
  }
}
