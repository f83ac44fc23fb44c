// Makes jobs and changes for tests; called by every test that needs a stored job.

import type { Job, Outcome } from "../../src/jobs/job.ts";
import type { Change } from "../../src/jobs/job_change.ts";
import { createJobIds } from "../../src/jobs/id.ts";

const nextId = createJobIds();

/** 2022-06-06T15:04:05.999Z: the `now` of tests that need one, in milliseconds since the epoch. */
export const testNowMs = 1_654_527_845_999;

/** A new PENDING job with an id after all earlier ones; the given fields replace its own. */
export function makeJob(fields: Partial<Job> = {}): Job {
  return {
    id: nextId(testNowMs),
    name: "a job",
    description: undefined,
    taskName: "dummytask",
    paramsJson: undefined,
    timeoutMs: 0,
    runAtMs: undefined,
    status: "PENDING",
    failureReason: undefined,
    createdAtMs: testNowMs,
    scheduledAtMs: undefined,
    startedAtMs: undefined,
    completedAtMs: undefined,
    durationMs: undefined,
    attempt: 0,
    fence: 0,
    crashes: 0,
    ...fields,
  };
}

/** So many new jobs, in the order of their ids. */
export function makeJobs(count: number, fields: Partial<Job> = {}): Job[] {
  return Array.from({ length: count }, () => makeJob(fields));
}

/** A claim of the job with that id; where there are leases, for an hour unless said otherwise. */
export function makeClaim(id: string, leaseMs = 3_600_000): Change {
  return { kind: "claim", id, leaseMs };
}

/** The end of a claimed job: completed with a result, unless the outcome says otherwise. */
export function makeFinish(held: Job, outcome: Partial<Outcome> = {}): Change {
  return {
    kind: "finish",
    held,
    outcome: {
      status: "COMPLETED",
      resultJson: '"some metadata"',
      failureReason: undefined,
      startedAtMs: testNowMs,
      durationMs: 7,
      ...outcome,
    },
  };
}
