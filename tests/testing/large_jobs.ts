// Large jobs in a repository, of which a page must not hold many. Called by the tests of drivers whose jobs are
// not in memory anyway.

import assert from "node:assert/strict";
import type { Repository } from "../../src/jobs/repository.ts";
import { makeJobs, testNowMs } from "./make_job.ts";
import { readPages } from "./read_pages.ts";

const mebibyte = 1024 * 1024;

/** Fails unless `list` and `find` end their pages at 16 MiB, and say rightly how to go on. */
export async function assertPagesOfLargeJobs(repository: Repository): Promise<void> {
  const paramsJson = JSON.stringify("x".repeat(mebibyte));
  const waiting = makeJobs(40, { paramsJson });
  const due = makeJobs(20, { paramsJson }).map((job, i) => ({ ...job, runAtMs: testNowMs + i }));
  for (const job of [...waiting, ...due]) await repository.insert([job]);
  const idsOf = (jobs: readonly { readonly id: string }[]) => jobs.map(({ id }) => id);

  const newestFirst = idsOf([...waiting, ...due]).reverse();
  const page = await repository.list({ limit: 1000 });
  assert.deepEqual(idsOf(page.jobs), newestFirst.slice(0, 16));
  assert.equal(page.nextBeforeId, newestFirst[15]);
  for (const query of [{ limit: 1000 }, { limit: 17, text: "A JOB" }]) {
    assert.deepEqual(idsOf(await readPages(repository, query)), newestFirst);
  }

  const nowMs = testNowMs + 1000;
  const found: string[] = [];
  for (const expected of [16, 16, 8, 0]) {
    const query = { state: "waiting", nowMs, limit: 1000, afterId: found.at(-1) } as const;
    const { jobs } = await repository.find(query);
    assert.equal(jobs.length, expected);
    found.push(...idsOf(jobs));
  }
  assert.deepEqual(found, idsOf(waiting));

  const first = await repository.find({ state: "due", nowMs, limit: 1000 });
  assert.deepEqual(idsOf(first.jobs), idsOf(due.slice(0, 16)));
  assert.equal(first.nextRunAtMs, due[16]!.runAtMs);
}
