// Takes stored jobs through their lives; called by tests that need jobs which are claimed or finished.

import assert from "node:assert/strict";
import type { Job, Outcome } from "../../src/jobs/job.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { makeClaim, makeFinish } from "./make_job.ts";

/** The jobs as their holder has them, in the order of the ids. Fails where one cannot be claimed. */
export async function claimJobs(
  repository: Repository,
  ids: readonly string[],
  leaseMs?: number,
): Promise<Job[]> {
  const claims = ids.map((id) => makeClaim(id, leaseMs));
  const answers = await repository.change(claims, repository.now());
  return answers.map((job, i) => {
    assert.ok(job, `job ${ids[i]} cannot be claimed`);
    return job;
  });
}

/** Claims one job. */
export async function claimJob(repository: Repository, id: string, leaseMs?: number): Promise<Job> {
  const [job] = await claimJobs(repository, [id], leaseMs);
  return job!;
}

/** Claims the job and finishes it; the job after that. */
export async function runJob(
  repository: Repository,
  id: string,
  outcome: Partial<Outcome> = {},
): Promise<Job> {
  const held = await claimJob(repository, id);
  const [job] = await repository.change([makeFinish(held, outcome)], repository.now());
  assert.ok(job, `job ${id} cannot be finished`);
  return job;
}
