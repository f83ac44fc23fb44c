// Fills a repository with finished jobs, to see what many of them cost the next one.
// Called by bench_server.ts and scenarios/stored.ts.

import type { Change, Job } from "../src/job.ts";
import { createJobIds } from "../src/job_id.ts";
import type { Repository } from "../src/repository.ts";

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
    await repository.change(jobs.map(({ id }): Change => ({ kind: "claim", id })), nowMs);
    await repository.change(jobs.map(({ id }) => createFinish(id, nowMs)), nowMs);
  }
}

function createFinish(id: string, startedAtMs: number): Change {
  const outcome = {
    status: "COMPLETED",
    resultJson: '"some metadata"',
    failureReason: undefined,
    startedAtMs,
    durationMs: 1,
  } as const;
  return { kind: "finish", id, attempt: 1, outcome };
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
  };
}
