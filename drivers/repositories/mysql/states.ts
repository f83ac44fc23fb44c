// The column `state` of the table valet_jobs: the status, and whether the job waits. Used by everything that
// writes or reads SQL.

import { type Job, type JobStatus, jobStatuses } from "../../../src/jobs/job.ts";

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

/** The status that a state is of. */
export function statusOf(state: number): JobStatus {
  return statusesByState[state]!;
}

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
