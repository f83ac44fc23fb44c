// A run on its way through the pool, and what the pool itself makes of one that its worker cannot end.

import { steadyNow } from "../../clock.ts";
import type { Job, Outcome } from "../../jobs/job.ts";
import type { TaskDescription } from "../../tasks/description.ts";
import { timeoutReason } from "../wire/messages.ts";
import type { RunUsage } from "./worker_handle.ts";

/** A claimed job on its way through the pool. */
export interface Run {
  readonly job: Job;
  readonly task: TaskDescription;
  /** How long the task may run, in milliseconds; always more than 0. */
  readonly timeoutMs: number;
}

/** A run that the pool holds. */
export interface PooledRun {
  readonly run: Run;
  /** Its place in the order of all runs. */
  readonly place: number;
  /** When the pool took it. */
  readonly sinceMs: number;
}

/** A run that a worker was sent. */
export interface HandedRun extends PooledRun {
  readonly number: number;
  /** How long it should take, by the average of its task. */
  readonly expectedMs: number;
  /** When its task must be at rest; Infinity until the run is among those that the worker runs now. */
  deadlineAtMs: number;
  /** When its worker is ended; Infinity until the run is seen overdue. */
  killAtMs: number;
  /** When it became one of those that the worker runs, as far as the host can tell. */
  startedAtMs: number;
  /** Why the host aborted it; undefined: it did not. */
  abortReason: string | undefined;
  /** Why the worker means to fail it, once its task is at rest. */
  failureReason: string | undefined;
  /** The stack of its failure, once the worker has told it. */
  trace: string | undefined;
  /** When the worker last told that it aborts the run, which it does again and again: a thread that spins cannot. */
  aliveAtMs: number;
  /** What it used, once it has ended or its worker is lost. */
  usage: RunUsage;
}

/** A run that has ended by itself. */
export interface EndedRun {
  readonly handed: HandedRun;
  readonly outcome: Outcome;
}

/** Why a run that had to be ended failed. */
export function reasonOf({ run, abortReason, failureReason }: HandedRun): string {
  return abortReason ?? failureReason ?? timeoutReason(run.timeoutMs);
}

/** The outcome of a run that its worker can no longer tell; `startedAtMs` is of {@link steadyNow}. */
export function failedOutcome(
  startedAtMs: number,
  failureReason: string,
  usage: RunUsage = {},
): Outcome {
  return {
    status: "FAILED",
    resultJson: undefined,
    failureReason,
    startedAtMs: Math.round(startedAtMs),
    durationMs: steadyNow() - startedAtMs,
    ...usage,
  };
}
