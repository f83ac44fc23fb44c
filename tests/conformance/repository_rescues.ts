// Conformance of rescue: what becomes of a job whose holder is gone. Run on every driver, with jobs abandoned
// in the way that its store knows: a lease that is over, a process that has ended, or a mere claim.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import type { Change } from "../../src/jobs/job_change.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { claimJob, claimJobs, runJob } from "../testing/claim_jobs.ts";
import { makeFinish, makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import { waitForAbandoned } from "../testing/wait_for_abandoned.ts";
import type { OpenMore, RepositorySuite, TestRepository } from "./repository.ts";

/** Claims the jobs and lets their holder go: the store from now on, and the jobs as they are found. */
async function abandon(
  repository: Repository,
  ids: readonly string[],
  more: OpenMore,
): Promise<{ readonly repository: Repository; readonly found: readonly Job[] }> {
  if (repository.isShared) {
    await claimJobs(repository, ids, 1);
    return { repository, found: await waitForAbandoned(repository, ids) };
  }
  const held = await claimJobs(repository, ids);
  if (!repository.isDurable) return { repository, found: held };
  const reopened = await more.reopen(repository);
  return { repository: reopened, found: await waitForAbandoned(reopened, ids) };
}

async function changeOne(repository: Repository, change: Change): Promise<Job | null> {
  const [job] = await repository.change([change], repository.now());
  assert.notEqual(job, undefined);
  return job!;
}

/** Declares the tests. */
export function testRescues(test: TestRepository, suite: RepositorySuite): void {
  test("rescue returns the job to be run again, and counts the crash", async (first, more) => {
    const [plain, timed] = [makeJob(), makeJob({ runAtMs: testNowMs, status: "SCHEDULED" })];
    await first.insert([plain, timed]);
    const { repository, found } = await abandon(first, [plain.id, timed.id], more);
    assert.deepEqual(found.map((job) => job.id), [plain.id, timed.id]);
    for (const [i, held] of found.entries()) {
      const before = [plain, timed][i]!;
      const rescued = await changeOne(repository, { kind: "rescue", held, maxCrashes: 2 });
      assert.deepEqual([rescued?.status, rescued?.crashes], [before.status, 1]);
      const expected = { ...before, attempt: 1, fence: 1, crashes: 1 };
      assert.deepEqual(await repository.get(held.id), expected);
      assert.equal(await repository.getResult(held.id), null);
      const next = await claimJob(repository, held.id);
      assert.deepEqual([next.attempt, next.fence, next.crashes], [2, 2, 1]);
    }
  });

  test("rescue fails the job at maxCrashes, with a result that says why", async (first, more) => {
    const job = makeJob();
    await first.insert([job]);
    let repository = first;
    for (const crashes of [1, 2, 3]) {
      const abandoned = await abandon(repository, [job.id], more);
      repository = abandoned.repository;
      const held = abandoned.found[0]!;
      assert.equal(held.crashes, crashes - 1);
      const rescued = await changeOne(repository, { kind: "rescue", held, maxCrashes: 3 });
      assert.deepEqual([rescued?.crashes, rescued?.fence], [crashes, crashes]);
      assert.equal(rescued?.status, crashes === 3 ? "FAILED" : "PENDING");
    }
    const failed = await repository.get(job.id);
    assert.deepEqual([failed?.status, failed?.crashes], ["FAILED", 3]);
    assert.ok(failed?.failureReason);
    assert.ok(failed?.completedAtMs !== undefined && failed.durationMs !== undefined);
    const expected = { jobId: job.id, metadataJson: undefined, error: failed.failureReason };
    assert.deepEqual(await repository.getResult(job.id), expected);
    assert.equal((await repository.count()).byStatus.FAILED, 1);
  });

  test("rescue takes the job from its holder", async (first, more) => {
    const job = makeJob();
    await first.insert([job]);
    const { repository, found: [held] } = await abandon(first, [job.id], more);
    assert.ok(held);
    await changeOne(repository, { kind: "rescue", held, maxCrashes: 3 });
    const renew: Change = { kind: "renew", held, leaseMs: 3_600_000 };
    assert.equal(await changeOne(repository, makeFinish(held)), null);
    assert.equal(await changeOne(repository, renew), null);
    const next = await claimJob(repository, job.id);
    const late: Change[] = [
      makeFinish(held),
      renew,
      { kind: "give_back", held, wasStarted: true },
      { kind: "rescue", held, maxCrashes: 1 },
    ];
    for (const change of late) assert.equal(await changeOne(repository, change), null, change.kind);
    assert.deepEqual(await repository.get(job.id), next);
    assert.equal(await repository.getResult(job.id), null);
  });

  test("rescue of a job by several callers at once has one winner", async (first, more) => {
    const jobs = makeJobs(5);
    await first.insert(jobs);
    const { repository, found } = await abandon(first, jobs.map((job) => job.id), more);
    const rescues = found.map((held) => ({ kind: "rescue", held, maxCrashes: 3 } as const));
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => repository.change(rescues, repository.now())),
    );
    const winners = answers.flat().filter((job) => job !== null).map((job) => job.id);
    assert.deepEqual(winners.sort(), jobs.map((job) => job.id));
    for (const { id } of jobs) assert.equal((await repository.get(id))?.crashes, 1);
  });

  test("rescue keeps an edit", async (first, more) => {
    const job = makeJob();
    await first.insert([job]);
    const { repository, found: [held] } = await abandon(first, [job.id], more);
    await changeOne(repository, { kind: "edit", id: job.id, name: "edited" });
    await changeOne(repository, { kind: "rescue", held: held!, maxCrashes: 3 });
    const stored = await repository.get(job.id);
    assert.deepEqual([stored?.name, stored?.status], ["edited", "PENDING"]);
  });

  test("rescue of a job that is not held, or not any more, is null", async (repository) => {
    const [waiting, done, deleted] = makeJobs(3) as [Job, Job, Job];
    await repository.insert([waiting, done, deleted]);
    const held = await claimJobs(repository, [waiting.id, done.id, deleted.id]);
    await changeOne(repository, { kind: "give_back", held: held[0]!, wasStarted: true });
    await changeOne(repository, makeFinish(held[1]!));
    await repository.delete(deleted.id);
    const before = await Promise.all(held.map((job) => repository.get(job.id)));
    for (const job of held) {
      assert.equal(await changeOne(repository, { kind: "rescue", held: job, maxCrashes: 1 }), null);
    }
    assert.deepEqual(await Promise.all(held.map((job) => repository.get(job.id))), before);
  });

  if (suite.openSecond === undefined && suite.reopen === undefined) return;

  test(
    "find abandoned orders by id and keeps its limit; a rescued job is not in it",
    async (first, more) => {
      const jobs = makeJobs(6);
      const ids = jobs.map((job) => job.id);
      await first.insert(jobs.toReversed());
      await runJob(first, ids[5]!);
      const { repository } = await abandon(first, ids.slice(0, 5).toReversed(), more);
      const find = async (limit: number) => {
        const query = { state: "abandoned", nowMs: repository.now(), limit } as const;
        const { jobs, nextRunAtMs } = await repository.find(query);
        assert.equal(nextRunAtMs, null);
        return jobs;
      };
      const found = await find(10);
      assert.deepEqual(found.map((job) => job.id), ids.slice(0, 5));
      assert.deepEqual(await find(10), found, "it changed something");
      assert.deepEqual(await find(2), found.slice(0, 2));
      for (const job of found) assert.deepEqual(await repository.get(job.id), job);
      await changeOne(repository, { kind: "rescue", held: found[0]!, maxCrashes: 3 });
      await changeOne(repository, { kind: "rescue", held: found[1]!, maxCrashes: 1 });
      await repository.delete(found[2]!.id);
      await claimJob(repository, found[0]!.id);
      assert.deepEqual(await find(10), found.slice(3));
    },
  );
}
