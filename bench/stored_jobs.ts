// Fills a repository with finished jobs, to see what many of them cost the next one.
// Called by bench_server.ts and scenarios/stored.ts.

import type { Job } from "../src/jobs/job.ts";
import type { Change } from "../src/jobs/job_change.ts";
import { createJobIds } from "../src/jobs/id.ts";
import type { Repository } from "../src/jobs/repository.ts";

const batchLength = 1_000;

/** Stores so many jobs that have completed through the port, as the service and dispatcher would. */
export async function storeFinishedJobs(repository: Repository, count: number): Promise<void> {
  const createJobId = createJobIds();
  const nowMs = Date.now();
  for (let stored = 0; stored < count; stored += batchLength) {
    const jobs = Array.from(
      { length: Math.min(batchLength, count - stored) },
      () => createJob(createJobId(nowMs), nowMs),
    );
    await repository.insert(jobs);
    const claims = jobs.map(({ id }): Change => ({ kind: "claim", id, leaseMs: 60_000 }));
    const claimed = await repository.change(claims, nowMs);
    await repository.change(claimed.map((job) => createFinish(job!, nowMs)), nowMs);
  }
}

function createFinish(held: Job, startedAtMs: number): Change {
  const outcome = {
    status: "COMPLETED",
    resultJson: '"some metadata"',
    failureReason: undefined,
    startedAtMs,
    durationMs: 1,
  } as const;
  return { kind: "finish", held, outcome };
}

/** A job that waits: at once, or at its time. */
export function createJob(id: string, nowMs: number, runAtMs?: number): Job {
  return {
    id,
    name: "stored",
    description: undefined,
    taskName: "dummytask",
    paramsJson: '{"user":42,"path":"/data/in.csv"}',
    timeoutMs: 0,
    runAtMs,
    status: "PENDING",
    failureReason: undefined,
    createdAtMs: nowMs,
    scheduledAtMs: undefined,
    startedAtMs: undefined,
    completedAtMs: undefined,
    durationMs: undefined,
    attempt: 0,
    fence: 0,
    crashes: 0,
  };
}
