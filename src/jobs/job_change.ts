// The changes that move a job from one state to the next, as pure functions. Every repository applies
// these same changes, so that the stores cannot disagree.

import { isFinished, isWaiting, type Job, type JobResult, type Outcome } from "./job.ts";

/**
 * One step of a job's life, applied by compare-and-set: a change that does not fit the job as it is
 * stored (another status, another fence) does nothing. `held` is the job as its holder claimed it.
 *
 * - `edit`: a client changes the name or the description; an absent one stays as it is, null removes it.
 * - `schedule`: the time of a PENDING job with `runAtMs` came.
 * - `claim`: a node takes the job to run it, with a lease on it where nodes share the store. The new
 *   fence protects the job from whoever held it before.
 * - `renew`: the holder goes on; its lease begins anew.
 * - `finish`: the run ended; its result is stored in the same step.
 * - `give_back`: the holder returns the job, to be run again. `wasStarted: false` means that the task
 *   was never called, and then the claim was no attempt.
 * - `refuse`: a waiting job can never reach a worker, since its queue refuses it: it has failed.
 * - `rescue`: the holder of an abandoned job is gone: the job is to be run again, or, if that happened
 *   `maxCrashes` times, it has failed. `held` is the job as it was found.
 *
 * A `finish` or `give_back` that has been applied fits again and changes nothing, so that one whose
 * answer was lost can be repeated.
 */
export type Change =
  | {
    readonly kind: "edit";
    readonly id: string;
    readonly name?: string | undefined;
    readonly description?: string | null | undefined;
  }
  | { readonly kind: "schedule"; readonly id: string }
  | { readonly kind: "claim"; readonly id: string; readonly leaseMs: number }
  | { readonly kind: "renew"; readonly held: Job; readonly leaseMs: number }
  | { readonly kind: "finish"; readonly held: Job; readonly outcome: Outcome }
  | { readonly kind: "give_back"; readonly held: Job; readonly wasStarted: boolean }
  | { readonly kind: "refuse"; readonly id: string; readonly failureReason: string }
  | { readonly kind: "rescue"; readonly held: Job; readonly maxCrashes: number };

/** The id of the job that the change is about. */
export function changedId(change: Change): string {
  return "held" in change ? change.held.id : change.id;
}

/**
 * The job after the change, or null where the change does not fit: the caller lost the race and must
 * forget about the job. The same object: the job is stored as it should be.
 * Leases are the store's: where it has them, it applies a `rescue` only once the lease is over.
 */
export function applyChange(job: Job, change: Change, nowMs: number): Job | null {
  switch (change.kind) {
    case "edit": {
      const { name = job.name, description = job.description } = change;
      return { ...job, name, description: description ?? undefined };
    }
    case "schedule":
      if (job.status !== "PENDING" || job.runAtMs === undefined || job.runAtMs > nowMs) return null;
      return { ...job, status: "SCHEDULED", scheduledAtMs: nowMs };
    case "claim":
      if (!isWaiting(job)) return null;
      return {
        ...job,
        status: "IN_PROGRESS",
        startedAtMs: nowMs,
        attempt: job.attempt + 1,
        fence: job.fence + 1,
      };
    case "renew":
      return isHeld(job, change.held) ? job : null;
    case "finish":
      if (isFinished(job) && isOfClaim(job, change.held)) return job;
      return isHeld(job, change.held) ? finish(job, change.outcome) : null;
    case "give_back":
      if (isWaiting(job) && isOfClaim(job, change.held)) return job;
      return isHeld(job, change.held) ? release(job, change.wasStarted) : null;
    case "refuse":
      if (!isWaiting(job)) return null;
      return {
        ...job,
        status: "FAILED",
        failureReason: change.failureReason,
        completedAtMs: nowMs,
        durationMs: 0,
      };
    case "rescue": {
      if (!isHeld(job, change.held)) return null;
      const crashes = job.crashes + 1;
      if (crashes < change.maxCrashes) return { ...release(job, true), crashes };
      return { ...finish(job, crashOutcome(crashes, job.startedAtMs ?? nowMs, nowMs)), crashes };
    }
  }
}

/** The result that a change stores beside the job it made; undefined: none. */
export function resultAfter(change: Change, job: Job): JobResult | undefined {
  const isEnd = change.kind === "finish" || change.kind === "rescue" || change.kind === "refuse";
  if (!isEnd || !isFinished(job)) return undefined;
  const metadataJson = change.kind === "finish" ? change.outcome.resultJson : undefined;
  return { jobId: job.id, metadataJson, error: job.failureReason };
}

function isHeld(job: Job, held: Job): boolean {
  return job.status === "IN_PROGRESS" && job.fence === held.fence;
}

/** Whether the holder itself has left the job as it is, and no rescue. */
function isOfClaim(job: Job, held: Job): boolean {
  return job.fence === held.fence && job.crashes === held.crashes;
}

function finish(job: Job, { status, failureReason, startedAtMs, durationMs }: Outcome): Job {
  const [startMs, tookMs] = [Math.round(startedAtMs), Math.round(durationMs)];
  return {
    ...job,
    status,
    failureReason,
    startedAtMs: startMs,
    durationMs: tookMs,
    completedAtMs: startMs + tookMs,
  };
}

function release(job: Job, wasStarted: boolean): Job {
  return {
    ...job,
    status: job.runAtMs === undefined ? "PENDING" : "SCHEDULED",
    startedAtMs: undefined,
    attempt: wasStarted ? job.attempt : job.attempt - 1,
  };
}

function crashOutcome(crashes: number, startedAtMs: number, nowMs: number): Outcome {
  return {
    status: "FAILED",
    resultJson: undefined,
    failureReason:
      `the node that held the job died; this was crash ${crashes} of the ${crashes} that ` +
      "worker_pool.max_crashes allows",
    startedAtMs,
    durationMs: Math.max(0, nowMs - startedAtMs),
  };
}
