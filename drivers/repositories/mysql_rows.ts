// Jobs as rows of the table valet_jobs, and back. Used by everything that writes or reads SQL.

import { Buffer } from "node:buffer";
import { type Job, type JobStatus, jobStatuses } from "../../src/job.ts";

/** A value of a row or of a parameter. */
export type Value = string | number | null | Buffer;

/**
 * The column `state`: the status, but that PENDING is two, so that one index finds the jobs that wait. A
 * stored number never changes its meaning.
 */
export const states = {
  /** PENDING, until its `runAtMs` comes. */
  deferred: 0,
  /** PENDING, and can be claimed. */
  pending: 1,
  scheduled: 2,
  inProgress: 3,
  completed: 4,
  failed: 5,
} as const;

const statusesByState: readonly JobStatus[] = [
  "PENDING",
  "PENDING",
  "SCHEDULED",
  "IN_PROGRESS",
  "COMPLETED",
  "FAILED",
];

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

/** The states that a status is stored as. */
export function statesOf(status: JobStatus): readonly number[] {
  return statusesByState.flatMap((of, state) => of === status ? [state] : []);
}

/** How many jobs have each status, from how many have each state. */
export function byStatus(countsByState: readonly number[]): Record<JobStatus, number> {
  const counts = Object.fromEntries(jobStatuses.map((status) => [status, 0]));
  for (const [state, count] of countsByState.entries()) counts[statusesByState[state]!]! += count;
  return counts as Record<JobStatus, number>;
}

/** The state of the job. */
export function stateOf({ status, runAtMs }: Job): number {
  if (status === "PENDING") return runAtMs === undefined ? states.pending : states.deferred;
  return statusesByState.indexOf(status);
}

/** When the job is due, while it waits for that; else null. */
export function dueAtMsOf(job: Job): number | null {
  return job.status === "PENDING" ? job.runAtMs ?? null : null;
}

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
    status: statusesByState[row[1] as number]!,
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

/** The 16 bytes of an id; none where {@link toHex} gives none. */
export function toBytes(id: string): Buffer {
  return Buffer.from(toHex(id), "hex");
}

const idForm = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** The 32 hexadecimal digits of an id; empty, which no job has, if it has not the form that ids are made in. */
export function toHex(id: string): string {
  return idForm.test(id) ? id.replaceAll("-", "") : "";
}

/** The id of 16 bytes. */
export function toId(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${
    hex.slice(20)
  }`;
}

function optionalText(value: Value | undefined): string | undefined {
  return value === null ? undefined : value as string;
}

function setMs(value: Value | undefined): number | undefined {
  return value === notSet ? undefined : Number(value);
}

/**
 * The same items and the last one again until there are as many as a power of two: there are few prepared
 * statements then, and an id that stands in a list twice does no harm.
 */
export function padToPowerOfTwo<Item>(items: Item[]): Item[] {
  while (items.length & items.length - 1) items.push(items.at(-1)!);
  return items;
}
