// Conformance of stores that nodes share: leases, and what one node sees of another.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import type { Change } from "../../src/jobs/job_change.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { claimJob, claimJobs, runJob } from "../testing/claim_jobs.ts";
import { makeClaim, makeFinish, makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import { waitForAbandoned } from "../testing/wait_for_abandoned.ts";
import type { TestRepository } from "./repository.ts";

const longMs = 3_600_000;

async function changeOne(repository: Repository, change: Change): Promise<Job | null> {
  const [job] = await repository.change([change], repository.now());
  assert.notEqual(job, undefined);
  return job!;
}

/** Declares the tests. */
export function testLeases(test: TestRepository): void {
  test("a claim is abandoned when its lease is over, and not before", async (repository) => {
    const [short, long] = makeJobs(2) as [Job, Job];
    await repository.insert([short, long]);
    await claimJob(repository, long.id, longMs);
    const held = await claimJob(repository, short.id, 1);
    assert.deepEqual(await waitForAbandoned(repository, [short.id]), [held]);
  });

  test("renew begins the lease anew", async (repository) => {
    const [prolonged, shortened, control] = makeJobs(3) as [Job, Job, Job];
    await repository.insert([prolonged, shortened, control]);
    const held = [
      await claimJob(repository, prolonged.id, 2000),
      await claimJob(repository, shortened.id, longMs),
    ] as const;
    const answers = await repository.change([
      { kind: "renew", held: held[0], leaseMs: longMs },
      { kind: "renew", held: held[1], leaseMs: 1 },
    ], repository.now());
    assert.deepEqual(answers.map((job) => job?.id), [prolonged.id, shortened.id]);
    await claimJob(repository, control.id, 2001);
    const abandoned = await waitForAbandoned(repository, [control.id]);
    assert.deepEqual(abandoned.map((job) => job.id), [shortened.id, control.id]);
  });

  test("rescue of a job whose lease is not over is null and changes nothing", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const held = await claimJob(repository, job.id, longMs);
    for (const maxCrashes of [1, 3]) {
      assert.equal(await changeOne(repository, { kind: "rescue", held, maxCrashes }), null);
    }
    assert.deepEqual(await repository.get(job.id), held);
    assert.ok(await changeOne(repository, makeFinish(held)));
  });

  test("rescue and renew of one claim at once: one of them holds", async (repository) => {
    const jobs = makeJobs(10);
    await repository.insert(jobs);
    const ids = jobs.map((job) => job.id);
    await claimJobs(repository, ids, 1);
    for (const held of await waitForAbandoned(repository, ids)) {
      const [renewed, rescued] = await Promise.all([
        changeOne(repository, { kind: "renew", held, leaseMs: longMs }),
        changeOne(repository, { kind: "rescue", held, maxCrashes: 3 }),
      ]);
      assert.equal((renewed === null) !== (rescued === null), true);
      const stored = await repository.get(held.id);
      assert.equal(stored?.status, rescued === null ? "IN_PROGRESS" : "PENDING");
    }
  });

  test("finish of a job whose lease is over but that nobody rescued is stored", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await claimJob(repository, job.id, 1);
    const [held] = await waitForAbandoned(repository, [job.id]);
    assert.ok(await changeOne(repository, makeFinish(held!, { resultJson: "1" })));
    assert.equal((await repository.get(job.id))?.status, "COMPLETED");
    assert.equal((await repository.getResult(job.id))?.metadataJson, "1");
  });

  test("renew of a job whose lease is over but that nobody rescued brings it back", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await claimJob(repository, job.id, 1);
    const [held] = await waitForAbandoned(repository, [job.id]);
    assert.ok(await changeOne(repository, { kind: "renew", held: held!, leaseMs: longMs }));
    assert.equal(await changeOne(repository, { kind: "rescue", held: held!, maxCrashes: 3 }), null);
    const query = { state: "abandoned", nowMs: repository.now(), limit: 10 } as const;
    assert.deepEqual((await repository.find(query)).jobs, []);
  });

  test("jobs that were finished, given back or claimed anew are not abandoned", async (repository) => {
    const [finished, returned, again, control] = makeJobs(4) as [Job, Job, Job, Job];
    await repository.insert([finished, returned, again, control]);
    const held = await claimJobs(repository, [finished.id, returned.id, again.id], 1);
    await repository.change([
      makeFinish(held[0]!),
      { kind: "give_back", held: held[1]!, wasStarted: true },
      { kind: "give_back", held: held[2]!, wasStarted: false },
    ], repository.now());
    await claimJob(repository, again.id, longMs);
    await claimJob(repository, control.id, 1);
    const abandoned = await waitForAbandoned(repository, [control.id]);
    assert.deepEqual(abandoned.map((job) => job.id), [control.id]);
  });

  test("two nodes agree on the time", async (one, more) => {
    const two = await more.openSecond();
    assert.ok(Math.abs(one.now() - two.now()) < 2000, `${one.now()} and ${two.now()}`);
  });

  test("what one node changes the other sees", async (one, more) => {
    const two = await more.openSecond();
    const [job, timed] = [makeJob(), makeJob({ runAtMs: testNowMs })];
    await one.insert([job, timed]);
    assert.deepEqual(await two.get(job.id), job);
    assert.deepEqual((await two.list({ limit: 10 })).jobs, [timed, job]);
    await assert.rejects(two.insert([job]), { code: "already_exists" });
    await changeOne(two, { kind: "edit", id: job.id, name: "edited" });
    assert.equal((await one.get(job.id))?.name, "edited");
    await two.change([{ kind: "schedule", id: timed.id }], testNowMs);
    assert.equal((await one.find({ state: "due", nowMs: testNowMs, limit: 10 })).jobs.length, 0);
    assert.equal(
      (await one.find({ state: "waiting", nowMs: testNowMs, limit: 10 })).jobs.length,
      2,
    );
    await runJob(two, job.id, { resultJson: "1" });
    assert.equal((await one.getResult(job.id))?.metadataJson, "1");
    assert.equal(await one.deleteResult(job.id), true);
    assert.equal(await two.getResult(job.id), null);
    assert.ok(await one.delete(timed.id));
    assert.equal(await two.get(timed.id), null);
  });

  test("claims by two nodes at once have one winner", async (one, more) => {
    const two = await more.openSecond();
    const jobs = makeJobs(60);
    await one.insert(jobs);
    const claims = jobs.map(({ id }) => makeClaim(id));
    const callers = Array.from({ length: 20 }, (_, i) => {
      const part = claims.slice(i * 2, i * 2 + 22);
      return i % 3 === 0 ? part.toReversed() : part;
    });
    const answers = await Promise.all(
      callers.map((part, i) => (i % 2 === 0 ? one : two).change(part, one.now())),
    );
    const winners = answers.flat().filter((job) => job !== null);
    assert.deepEqual(winners.map((job) => job.id).sort(), jobs.map((job) => job.id));
    assert.ok(winners.every((job) => job.fence === 1));
  });

  test("inserts, schedules and deletes by two nodes at once have one winner", async (one, more) => {
    const two = await more.openSecond();
    const jobs = makeJobs(10, { runAtMs: testNowMs });
    for (const job of jobs) {
      const inserts = await Promise.allSettled([one.insert([job]), two.insert([job])]);
      assert.equal(inserts.filter(({ status }) => status === "fulfilled").length, 1);
      const schedule: Change = { kind: "schedule", id: job.id };
      const scheduled = await Promise.all([changeOne(one, schedule), changeOne(two, schedule)]);
      assert.equal(scheduled.filter((answer) => answer !== null).length, 1);
      const deleted = await Promise.all([one.delete(job.id), two.delete(job.id)]);
      assert.equal(deleted.filter((answer) => answer !== null).length, 1);
    }
  });

  test(
    "one node rescues what another left; who held it before changes nothing",
    async (one, more) => {
      const two = await more.openSecond();
      const job = makeJob();
      await one.insert([job]);
      const held = await claimJob(one, job.id, 1);
      const [found] = await waitForAbandoned(two, [job.id]);
      const rescue: Change = { kind: "rescue", held: found!, maxCrashes: 3 };
      const rescued = await Promise.all([changeOne(one, rescue), changeOne(two, rescue)]);
      assert.equal(rescued.filter((answer) => answer !== null).length, 1);
      assert.equal((await one.get(job.id))?.crashes, 1);
      const next = await claimJob(two, job.id, longMs);
      assert.equal(next.fence, 2);
      const late: Change[] = [
        { kind: "renew", held, leaseMs: longMs },
        { kind: "give_back", held, wasStarted: true },
        makeFinish(held, { resultJson: '"old"' }),
      ];
      for (const change of late) assert.equal(await changeOne(one, change), null);
      assert.ok(await changeOne(two, makeFinish(next, { resultJson: '"new"' })));
      assert.equal((await one.getResult(job.id))?.metadataJson, '"new"');
    },
  );

  test("close of one node leaves the other at work", async (one, more) => {
    const two = await more.openSecond();
    const job = makeJob();
    await two.insert([job]);
    await two.close();
    assert.deepEqual(await one.get(job.id), job);
    assert.equal((await one.health()).isHealthy, true);
  });
}
