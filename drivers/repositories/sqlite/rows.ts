// A job as a row of SQLite and back. Used by jobs.ts alone.

import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { type Job, type JobStatus, jobStatuses } from "../../../src/jobs/job.ts";

/**
 * What the column `state` holds: the status, and what a query must tell apart within it. Stored, so a
 * number never changes its meaning.
 */
export const jobStates = {
  /** PENDING without `runAtMs`. */
  waiting: 0,
  scheduled: 1,
  /** PENDING until its `runAtMs`. */
  deferred: 2,
  /** IN_PROGRESS, claimed by this process. */
  running: 3,
  /** IN_PROGRESS, left by an earlier process. */
  abandoned: 4,
  completed: 5,
  failed: 6,
} as const;

/** The states of each status; -1 stands for none. */
export const statesOf: Readonly<Record<JobStatus, readonly [number, number]>> = {
  PENDING: [jobStates.waiting, jobStates.deferred],
  SCHEDULED: [jobStates.scheduled, -1],
  IN_PROGRESS: [jobStates.running, jobStates.abandoned],
  COMPLETED: [jobStates.completed, -1],
  FAILED: [jobStates.failed, -1],
};

const statusOfState: JobStatus[] = [];
for (const status of jobStatuses) {
  for (const state of statesOf[status]) if (state >= 0) statusOfState[state] = status;
}

/** The columns of a job, in the order of {@link rowOf} and {@link jobOf}. */
export const jobColumns: string =
  "id, state, name, description, task_name, timeout_ms, run_at_ms, " +
  "created_at_ms, scheduled_at_ms, started_at_ms, completed_at_ms, duration_ms, attempt, fence, " +
  "crashes, failure_reason, params";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The state of a job that this process writes: never `abandoned`. */
export function stateOf({ runAtMs, status }: Job): number {
  return status === "PENDING" && runAtMs !== undefined ? jobStates.deferred : statesOf[status][0];
}

/** The status of a state. */
export function statusOf(state: SQLOutputValue | undefined): JobStatus {
  return statusOfState[state as number]!;
}

/** The values of {@link jobColumns}. */
export function rowOf(job: Job): SQLInputValue[] {
  return [
    job.id,
    stateOf(job),
    toColumn(job.name),
    toColumn(job.description),
    toColumn(job.taskName),
    job.timeoutMs,
    job.runAtMs ?? null,
    job.createdAtMs,
    job.scheduledAtMs ?? null,
    job.startedAtMs ?? null,
    job.completedAtMs ?? null,
    job.durationMs ?? null,
    job.attempt,
    job.fence,
    job.crashes,
    toColumn(job.failureReason),
    toColumn(job.paramsJson),
  ];
}

/** The job of a row of {@link jobColumns}. */
export function jobOf(row: readonly SQLOutputValue[]): Job {
  return {
    id: row[0] as string,
    name: toText(row[2])!,
    description: toText(row[3]),
    taskName: toText(row[4])!,
    paramsJson: toText(row[16]),
    timeoutMs: row[5] as number,
    runAtMs: toNumber(row[6]),
    status: statusOf(row[1]),
    failureReason: toText(row[15]),
    createdAtMs: row[7] as number,
    scheduledAtMs: toNumber(row[8]),
    startedAtMs: toNumber(row[9]),
    completedAtMs: toNumber(row[10]),
    durationMs: toNumber(row[11]),
    attempt: row[12] as number,
    fence: row[13] as number,
    crashes: row[14] as number,
  };
}

/** A text as it is stored: as a blob of JSON where SQLite would end it at a NUL or it is no Unicode. */
export function toColumn(text: string | undefined): SQLInputValue {
  if (text === undefined) return null;
  if (!text.includes("\0") && text.isWellFormed()) return text;
  return encoder.encode(JSON.stringify(text));
}

/** The text that {@link toColumn} stored. */
export function toText(value: SQLOutputValue | undefined): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? JSON.parse(decoder.decode(value)) : undefined;
}

function toNumber(value: SQLOutputValue | undefined): number | undefined {
  return value === null ? undefined : value as number;
}
