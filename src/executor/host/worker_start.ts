// How far the start of a worker has come, and when it takes too long: it loads its tasks, and what it needs for its
// first run when it is sent that. Used by the slot.

import type { LoadFailure, LoadStep } from "../wire/load_messages.ts";
import { hangingLoad, maxLoadMs } from "./load_failure.ts";

/** How long a worker may take until it begins to load, and from a first run that it is sent until that can start. */
const maxStartMs = 30_000;
/** An idle worker that has lived so long could be started, whatever it dies of. */
const minLifeMs = 1_000;

/** The start of one worker. Times are those of the slot. */
export class WorkerStart {
  /** When the worker is lost unless it has come further; Infinity: there is nothing to wait for. */
  limitMs: number;
  /** It has what it needs for its first run. */
  isReady = false;
  /** Why its tasks cannot be loaded. */
  loadFailure: LoadFailure | undefined;
  /** Why its first run did not start. */
  problem: string | undefined;
  /** It did not come further in its time. */
  hasHung = false;
  #isLoaded = false;
  readonly #openedAtMs: number;
  #step: LoadStep = { taskName: "", file: "" };

  constructor(nowMs: number) {
    this.#openedAtMs = nowMs;
    this.limitMs = nowMs + maxStartMs;
  }

  /** Whether the worker could be started. `isIdle`: it holds no run. */
  couldStart(isIdle: boolean, nowMs: number): boolean {
    const hasLived = this.#isLoaded && isIdle && nowMs - this.#openedAtMs >= minLifeMs;
    return this.isReady || hasLived;
  }

  /** It begins to load a module. */
  noteStep(step: LoadStep, nowMs: number): void {
    this.#step = step;
    this.limitMs = nowMs + maxLoadMs;
  }

  /** All its tasks are loaded. */
  noteLoaded(): void {
    this.#isLoaded = true;
    this.limitMs = Infinity;
  }

  /** It is sent runs. */
  noteSent(nowMs: number): void {
    if (!this.isReady && this.limitMs === Infinity) this.limitMs = nowMs + maxStartMs;
  }

  /** Its first run can start. */
  noteReady(): void {
    this.isReady = true;
    this.limitMs = Infinity;
  }

  /** It has come no further in its time. */
  giveUp(): void {
    this.hasHung = true;
    if (this.#isLoaded) this.problem = unstartedReason;
    else this.loadFailure = hangingLoad(this.#step);
  }
}

const unstartedReason = `its first run did not start within ${
  maxStartMs / 1000
} seconds: what a module left behind keeps it busy`;
