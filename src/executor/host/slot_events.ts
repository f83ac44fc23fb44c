// What a slot tells the pool, and the sizes and times that it is given. Types of src/executor/host/slot.ts.

import type { LoadFailure } from "../wire/load_messages.ts";
import type { TaskLogLine } from "../worker/task_run.ts";
import type { EndedRun, HandedRun, Run } from "./run.ts";

/** Why a worker is lost, and what that means for its runs. */
export interface SlotLoss {
  readonly reason: string;
  /** Why its worker could never run anything; undefined: it could, or nobody knows why. */
  readonly loadFailure: LoadFailure | undefined;
  /** A module did not load in time. */
  readonly hasHung: boolean;
  /** Whether it was ready for runs. */
  readonly couldStart: boolean;
  /** Runs that may have started. */
  readonly running: readonly HandedRun[];
  /** Runs that had not. */
  readonly waiting: readonly HandedRun[];
  /** The run because of which it was ended. */
  readonly killedFor: HandedRun | undefined;
  /** What that run left behind keeps the worker busy. */
  readonly isStuck: boolean;
  /** It ended in the middle of a turn of its event loop: what ended in that turn may still be at work. */
  readonly isMidTurn: boolean;
}

/** What the pool hears of a slot. Nothing of it comes inside a call of the pool that asked for it. */
export interface SlotEvents<Slot> {
  /** The slot wants to be checked then. */
  wakeAt(atMs: number): void;
  /** The worker can be sent runs. */
  onLoaded(slot: Slot): void;
  onOutcomes(slot: Slot, ended: readonly EndedRun[]): void;
  /** Runs that had not started are the pool's again, in their order; none if all had. */
  onReturned(slot: Slot, returned: readonly HandedRun[]): void;
  /** A run has passed its deadline, and a part of the grace period: its worker may have to be ended. */
  onOverdue(slot: Slot): void;
  /** It is sent nothing more, and is to be replaced as soon as it holds nothing. */
  onWornOut(slot: Slot): void;
  onLost(slot: Slot, loss: SlotLoss): void;
  onLog(run: Run | undefined, line: TaskLogLine): void;
}

/** Sizes and times of a slot. */
export interface SlotOptions {
  /** How many runs the worker runs at once. */
  readonly capacity: number;
  readonly maxResultBytes: number;
  readonly killGraceMs: number;
  /** The time, as `steadyNow`. */
  readonly now: () => number;
}
