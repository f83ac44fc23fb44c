// Large jobs in a repository, of which a page must not hold many. Called by the tests of drivers whose jobs are
// not in memory anyway.

import assert from "node:assert/strict";
import type { Repository } from "../../src/jobs/repository.ts";
import { makeJobs, testNowMs } from "./make_job.ts";

const mebibyte = 1024 * 1024;

/** Fails unless `find` ends its pages at 4 MiB, and says rightly how to go on. */
export async function assertPagesOfLargeJobs(repository: Repository): Promise<void> {
  const paramsJson = JSON.stringify("x".repeat(mebibyte));
  const waiting = makeJobs(10, { paramsJson });
  const due = makeJobs(8, { paramsJson }).map((job, i) => ({ ...job, runAtMs: testNowMs + i }));
  for (const job of [...waiting, ...due]) await repository.insert([job]);
  const idsOf = (jobs: readonly { readonly id: string }[]) => jobs.map(({ id }) => id);

  const nowMs = testNowMs + 1000;
  const found: string[] = [];
  for (const expected of [4, 4, 2, 0]) {
    const query = { state: "waiting", nowMs, limit: 1000, afterId: found.at(-1) } as const;
    const { jobs } = await repository.find(query);
    assert.equal(jobs.length, expected);
    found.push(...idsOf(jobs));
  }
  assert.deepEqual(found, idsOf(waiting));

  const first = await repository.find({ state: "due", nowMs, limit: 1000 });
  assert.deepEqual(idsOf(first.jobs), idsOf(due.slice(0, 4)));
  assert.equal(first.nextRunAtMs, due[4]!.runAtMs);
}
