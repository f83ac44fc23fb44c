// The job: its data, its states, its result.

/**
 * The states of a job and how it leaves each:
 *
 * - `PENDING`: accepted. Leaves when it is claimed, or, if it has a `runAtMs`, when that time comes.
 * - `SCHEDULED`: its `runAtMs` came. Leaves when it is claimed.
 * - `IN_PROGRESS`: claimed by a node. Leaves when it finishes, is given back or is rescued.
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
  /** How often the task has been called, or is about to be: 0 before the first claim. */
  readonly attempt: number;
  /** How often the job has been claimed. It only grows: every write of a holder carries it. */
  readonly fence: number;
  /** How often its holder died while it held the job. */
  readonly crashes: number;
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
  /** The stack of the failure and those of its causes: for the log, never stored or shown to a client. */
  readonly trace?: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** CPU time of the attempt. Measured in a process of its own only; not stored. */
  readonly cpuMs?: number;
  /** The most memory that this process held during the attempt; as `cpuMs`. */
  readonly peakMemoryBytes?: number;
}

/** Whether the job has reached a final state. */
export function isFinished(job: Job): boolean {
  return job.status === "COMPLETED" || job.status === "FAILED";
}

/** Whether the job can be claimed now. */
export function isWaiting(job: Job): boolean {
  return job.status === "SCHEDULED" || (job.status === "PENDING" && job.runAtMs === undefined);
}
