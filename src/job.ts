// The job: its data, its states and the changes that move it from one state to the next.
// Every repository applies these same changes, so that the stores cannot disagree.

/**
 * The states of a job and how it leaves each:
 *
 * - `PENDING`: accepted. Leaves when it is claimed, or, if it has a `runAtMs`, when that time comes.
 * - `SCHEDULED`: its `runAtMs` came. Leaves when it is claimed.
 * - `IN_PROGRESS`: claimed by a node. Leaves when it finishes or is given back.
 * - `COMPLETED`, `FAILED`: finished, for good.
 *
 * The list may grow at its end; a name never changes.
 */
export const jobStatuses = ["PENDING", "SCHEDULED", "IN_PROGRESS", "COMPLETED", "FAILED"] as const;

/** One of {@link jobStatuses}. */
export type JobStatus = typeof jobStatuses[number];

/**
 * A stored request to run a task. Immutable: a change makes a new object. All times are milliseconds
 * since the Unix epoch; `undefined` means not set.
 */
export interface Job {
  /** UUID version 7: sorts by creation. */
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly taskName: string;
  /** The params as JSON text of an object. Text, so that it is never parsed on its way to the task. */
  readonly paramsJson: string | undefined;
  /** The timeout that the client asked for; 0: none, the task's or the default one holds. */
  readonly timeoutMs: number;
  readonly runAtMs: number | undefined;
  readonly status: JobStatus;
  readonly failureReason: string | undefined;
  readonly createdAtMs: number;
  readonly scheduledAtMs: number | undefined;
  readonly startedAtMs: number | undefined;
  readonly completedAtMs: number | undefined;
  readonly durationMs: number | undefined;
  /** How often the job has been claimed to run: 0 before the first claim. It fences later writes. */
  readonly attempt: number;
}

/** What is stored of a finished job's task: the returned value as JSON text, or the error's message. */
export interface JobResult {
  readonly jobId: string;
  readonly metadataJson: string | undefined;
  readonly error: string | undefined;
}

/** How a run ended. `startedAtMs` and `durationMs` are the task's own, measured where it ran. */
export interface Outcome {
  readonly status: "COMPLETED" | "FAILED";
  /** JSON text of what the task returned; undefined: nothing, or the task failed. */
  readonly resultJson: string | undefined;
  /** Why the job failed; undefined if it completed. */
  readonly failureReason: string | undefined;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/**
 * One step of a job's life, applied by compare-and-set: a change that does not fit the job as it is
 * stored (another status, another attempt) does nothing.
 *
 * - `schedule`: the time of a PENDING job with `runAtMs` came.
 * - `claim`: a node takes the job to run it; the new attempt number fences every later change.
 * - `finish`: the run of that attempt ended; its result is stored in the same step.
 * - `give_back`: the holder returns the job, to be run again. `wasStarted: false` means that the task
 *   was never called, and then the claim was no attempt.
 */
export type Change =
  | { readonly kind: "schedule"; readonly id: string }
  | { readonly kind: "claim"; readonly id: string }
  | {
    readonly kind: "finish";
    readonly id: string;
    readonly attempt: number;
    readonly outcome: Outcome;
  }
  | {
    readonly kind: "give_back";
    readonly id: string;
    readonly attempt: number;
    readonly wasStarted: boolean;
  };

/** Whether the job has reached a final state. */
export function isFinished(job: Job): boolean {
  return job.status === "COMPLETED" || job.status === "FAILED";
}

/**
 * The job after the change, or null where the change does not fit: the caller lost the race and must
 * forget about the job.
 */
export function applyChange(job: Job, change: Change, nowMs: number): Job | null {
  switch (change.kind) {
    case "schedule":
      if (job.status !== "PENDING" || job.runAtMs === undefined || job.runAtMs > nowMs) return null;
      return { ...job, status: "SCHEDULED", scheduledAtMs: nowMs };
    case "claim":
      if (!isClaimable(job)) return null;
      return { ...job, status: "IN_PROGRESS", startedAtMs: nowMs, attempt: job.attempt + 1 };
    case "finish": {
      if (job.status !== "IN_PROGRESS" || job.attempt !== change.attempt) return null;
      const { status, failureReason, startedAtMs } = change.outcome;
      const durationMs = Math.round(change.outcome.durationMs);
      return {
        ...job,
        status,
        failureReason,
        startedAtMs,
        durationMs,
        completedAtMs: startedAtMs + durationMs,
      };
    }
    case "give_back":
      if (job.status !== "IN_PROGRESS" || job.attempt !== change.attempt) return null;
      return {
        ...job,
        status: job.runAtMs === undefined ? "PENDING" : "SCHEDULED",
        startedAtMs: undefined,
        attempt: change.wasStarted ? job.attempt : job.attempt - 1,
      };
  }
}

/** The result that a finish stores beside the job. */
export function resultOf(jobId: string, outcome: Outcome): JobResult {
  return { jobId, metadataJson: outcome.resultJson, error: outcome.failureReason };
}

function isClaimable(job: Job): boolean {
  return job.status === "SCHEDULED" || (job.status === "PENDING" && job.runAtMs === undefined);
}
