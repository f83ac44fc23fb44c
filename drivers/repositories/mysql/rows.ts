// Jobs as rows of the table valet_jobs, and back. Used by everything that writes or reads SQL.

import type { Buffer } from "node:buffer";
import type { Job } from "../../../src/jobs/job.ts";
import { toBytes, toId } from "./ids.ts";
import { stateOf, statusOf } from "./states.ts";

/** A value of a row or of a parameter. */
export type Value = string | number | null | Buffer;

/** What the columns of a time or a length that is not set hold: so wide as any, so that it can be set in place. */
const notSet = -1;

/** The columns that make a {@link Job}, in the order of {@link toJob} and {@link toRow}. */
export const jobColumns = [
  "id",
  "state",
  "task_name",
  "name",
  "description",
  "params",
  "timeout_ms",
  "run_at_ms",
  "created_at_ms",
  "scheduled_at_ms",
  "started_at_ms",
  "completed_at_ms",
  "duration_ms",
  "attempt",
  "fence",
  "crashes",
  "failure_reason",
] as const;

/** A time or a length as it is stored. */
export function optionalMs(ms: number | undefined): number {
  return ms ?? notSet;
}

/** The values of {@link jobColumns}. */
export function toRow(job: Job): Value[] {
  return [
    toBytes(job.id),
    stateOf(job),
    job.taskName,
    job.name,
    job.description ?? null,
    job.paramsJson ?? null,
    job.timeoutMs,
    job.runAtMs ?? null,
    job.createdAtMs,
    optionalMs(job.scheduledAtMs),
    optionalMs(job.startedAtMs),
    optionalMs(job.completedAtMs),
    optionalMs(job.durationMs),
    job.attempt,
    job.fence,
    job.crashes,
    job.failureReason ?? null,
  ];
}

/** The job of a row whose first columns are {@link jobColumns}. */
export function toJob(row: readonly Value[]): Job {
  return {
    id: toId(row[0] as Buffer),
    name: row[3] as string,
    description: optionalText(row[4]),
    taskName: row[2] as string,
    paramsJson: optionalText(row[5]),
    timeoutMs: Number(row[6]),
    runAtMs: row[7] === null ? undefined : Number(row[7]),
    status: statusOf(row[1] as number),
    failureReason: optionalText(row[16]),
    createdAtMs: Number(row[8]),
    scheduledAtMs: setMs(row[9]),
    startedAtMs: setMs(row[10]),
    completedAtMs: setMs(row[11]),
    durationMs: setMs(row[12]),
    attempt: row[13] as number,
    fence: row[14] as number,
    crashes: row[15] as number,
  };
}

function optionalText(value: Value | undefined): string | undefined {
  return value === null ? undefined : value as string;
}

function setMs(value: Value | undefined): number | undefined {
  return value === notSet ? undefined : Number(value);
}
