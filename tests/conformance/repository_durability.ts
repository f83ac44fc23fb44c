// Conformance of stores that outlive a process: whatever was answered is there after the store is opened again.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import { claimJob, claimJobs, runJob } from "../testing/claim_jobs.ts";
import { makeFinish, makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import { readPages } from "../testing/read_pages.ts";
import type { TestRepository } from "./repository.ts";

/** Declares the tests. */
export function testDurability(test: TestRepository): void {
  test("jobs, results, order and counts are there after a reopen", async (first, more) => {
    const [plain, timed, due, done, failed, returned, edited, deleted] = [
      makeJob({ paramsJson: '{"a":1.50}', description: "\u{1F600}" }),
      makeJob({ runAtMs: testNowMs + 1 }),
      makeJob({ runAtMs: testNowMs }),
      ...makeJobs(5),
    ] as [Job, Job, Job, Job, Job, Job, Job, Job];
    await first.insert([plain, timed, due, done, failed, returned, edited, deleted]);
    await runJob(first, done.id, { resultJson: '{"b":2.50}' });
    const failure = { status: "FAILED", resultJson: undefined, failureReason: "it broke" } as const;
    await runJob(first, failed.id, failure);
    const held = await claimJob(first, returned.id);
    await first.change([{ kind: "give_back", held, wasStarted: true }], first.now());
    await first.change([{ kind: "edit", id: edited.id, name: "edited" }], first.now());
    await first.delete(deleted.id);
    const jobs = await readPages(first, { limit: 100 });
    const counts = await first.count();
    const query = { state: "waiting", nowMs: testNowMs, limit: 10 } as const;
    const waiting = await first.find(query);

    const second = await more.reopen(first);
    assert.deepEqual(await readPages(second, { limit: 3 }), jobs);
    assert.deepEqual(await second.count(), counts);
    assert.deepEqual(await second.find(query), waiting);
    const foundDue = await second.find({ ...query, state: "due" });
    assert.deepEqual(foundDue, { jobs: [due], nextRunAtMs: testNowMs + 1 });
    assert.equal((await second.getResult(done.id))?.metadataJson, '{"b":2.50}');
    assert.equal((await second.getResult(failed.id))?.error, "it broke");
    assert.equal(await second.get(deleted.id), null);
    await assert.rejects(second.insert([plain]), { code: "already_exists" });
    const again = await claimJob(second, returned.id);
    assert.deepEqual([again.fence, again.attempt], [2, 2]);
  });

  test("a store can be opened again and again", async (first, more) => {
    let repository = first;
    const jobs: Job[] = [];
    for (let i = 0; i < 4; i++) {
      const job = makeJob();
      await repository.insert([job]);
      jobs.unshift(job);
      repository = await more.reopen(repository);
      assert.deepEqual((await repository.list({ limit: 10 })).jobs, jobs);
    }
  });

  test("what was under way at the close is there after a reopen", async (first, more) => {
    const jobs = makeJobs(50);
    const [running, ...others] = jobs as [Job, ...Job[]];
    await first.insert([running]);
    const held = await claimJob(first, running.id);
    const calls = [
      ...others.map((job) => first.insert([job])),
      first.change([makeFinish(held, { resultJson: "1" })], first.now()),
    ];
    const second = await more.reopen(first);
    await Promise.all(calls);
    for (const job of others) assert.deepEqual(await second.get(job.id), job);
    assert.equal((await second.get(running.id))?.status, "COMPLETED");
    assert.equal((await second.getResult(running.id))?.metadataJson, "1");
  });

  test(
    "claims of the earlier process are abandoned at once, or when their lease is over",
    async (first, more) => {
      const [short, long, finished, later] = makeJobs(4) as [Job, Job, Job, Job];
      await first.insert([short, long, finished, later]);
      await claimJobs(first, [long.id, short.id]);
      await runJob(first, finished.id);
      const second = await more.reopen(first);
      const held = await claimJob(second, later.id);
      const query = { state: "abandoned", nowMs: second.now(), limit: 10 } as const;
      const { jobs } = await second.find(query);
      assert.deepEqual(jobs.map((job) => job.id), second.isShared ? [] : [short.id, long.id]);
      for (const job of jobs) {
        const rescue = { kind: "rescue", held: job, maxCrashes: 3 } as const;
        const [rescued] = await second.change([rescue], second.now());
        assert.deepEqual([rescued?.status, rescued?.crashes], ["PENDING", 1]);
        await claimJob(second, job.id);
      }
      assert.deepEqual((await second.find(query)).jobs, []);
      assert.deepEqual(await second.get(later.id), held);
    },
  );
}
