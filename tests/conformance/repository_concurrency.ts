// Conformance of calls at the same time: one winner, and each caller gets its own answer.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import type { Change } from "../../src/jobs/job_change.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { claimJob, claimJobs, runJob } from "../testing/claim_jobs.ts";
import { makeClaim, makeFinish, makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import { readPages } from "../testing/read_pages.ts";
import type { TestRepository } from "./repository.ts";

/** A call and what its answer must be; the answer of a call that fails is the code of its error. */
interface Call {
  readonly name: string;
  run(repository: Repository): unknown;
  readonly expected: unknown;
}

async function answerOf(call: Call, repository: Repository): Promise<unknown> {
  try {
    return await call.run(repository);
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
}

async function statusAfter(repository: Repository, change: Change): Promise<unknown> {
  const answers = await repository.change([change], testNowMs);
  assert.equal(answers.length, 1);
  const [job] = answers;
  return job && [job.id, job.status];
}

/** Stores what the calls need, and makes some of every kind: calls that fit and calls that do not. */
async function prepareCalls(repository: Repository, round: number): Promise<Call[]> {
  const jobs = Array.from({ length: 10 }, (_, i) => makeJob({ name: `job ${i} of ${round};` }));
  await repository.insert(jobs);
  const [read, waiting, finishing, returning, edited, deleted, done, cleared, stale, renewed] =
    jobs as [Job, Job, Job, Job, Job, Job, Job, Job, Job, Job];
  const [heldFinishing, heldReturning, heldStale, heldRenewed] = await claimJobs(
    repository,
    [finishing, returning, stale, renewed].map((job) => job.id),
  ) as [Job, Job, Job, Job];
  await runJob(repository, done.id, { resultJson: `"${done.id}"` });
  await runJob(repository, cleared.id);
  const added = makeJobs(3);
  const late = { ...heldStale, fence: 7 };
  return [
    { name: "get", run: (to) => to.get(read.id), expected: read },
    { name: "get unknown", run: (to) => to.get(makeJob().id), expected: null },
    {
      name: "claim",
      run: (to) => statusAfter(to, makeClaim(waiting.id)),
      expected: [waiting.id, "IN_PROGRESS"],
    },
    {
      name: "finish",
      run: (to) => statusAfter(to, makeFinish(heldFinishing, { resultJson: `"${finishing.id}"` })),
      expected: [finishing.id, "COMPLETED"],
    },
    {
      name: "give_back",
      run: (to) => statusAfter(to, { kind: "give_back", held: heldReturning, wasStarted: true }),
      expected: [returning.id, "PENDING"],
    },
    {
      name: "renew",
      run: (to) => statusAfter(to, { kind: "renew", held: heldRenewed, leaseMs: 3_600_000 }),
      expected: [renewed.id, "IN_PROGRESS"],
    },
    {
      name: "edit",
      run: (to) => to.change([{ kind: "edit", id: edited.id, name: `new ${round}` }], testNowMs),
      expected: [{ ...edited, name: `new ${round}` }],
    },
    {
      name: "finish of an old claim",
      run: (to) => statusAfter(to, makeFinish(late)),
      expected: null,
    },
    {
      name: "several changes",
      run: (to) => to.change([makeClaim(makeJob().id), makeFinish(late)], testNowMs),
      expected: [null, null],
    },
    { name: "delete", run: (to) => to.delete(deleted.id), expected: deleted },
    { name: "delete unknown", run: (to) => to.delete(makeJob().id), expected: null },
    {
      name: "getResult",
      run: (to) => to.getResult(done.id),
      expected: { jobId: done.id, metadataJson: `"${done.id}"`, error: undefined },
    },
    { name: "deleteResult", run: (to) => to.deleteResult(cleared.id), expected: true },
    { name: "insert", run: (to) => to.insert(added), expected: undefined },
    {
      name: "insert of a stored id",
      run: (to) => to.insert([makeJob(), read, makeJob()]),
      expected: "already_exists",
    },
    {
      name: "list",
      run: (to) => readPages(to, { limit: 100, text: `job 0 of ${round};` }),
      expected: [read],
    },
  ];
}

/** Declares the tests. */
export function testConcurrency(test: TestRepository): void {
  test("hundreds of calls of every kind at once get each its own answer", async (repository) => {
    const calls: Call[] = [];
    for (let round = 0; round < 25; round++) calls.push(...await prepareCalls(repository, round));
    const before = (await repository.count()).byStatus;
    const answers = await Promise.all(calls.map((call) => answerOf(call, repository)));
    for (const [i, call] of calls.entries()) assert.deepEqual(answers[i], call.expected, call.name);
    // In each round: three inserted, one deleted, one claimed, one given back, one finished.
    assert.deepEqual({ ...(await repository.count()).byStatus }, {
      PENDING: before.PENDING + 25 * (3 - 1 - 1 + 1),
      SCHEDULED: 0,
      IN_PROGRESS: before.IN_PROGRESS + 25 * (1 - 1 - 1),
      COMPLETED: before.COMPLETED + 25,
      FAILED: 0,
    });
  });

  test("one bad insert among many at once fails alone", async (repository) => {
    const stored = makeJob();
    await repository.insert([stored]);
    const batches = Array.from({ length: 100 }, () => makeJobs(2));
    const bad = [makeJob(), { ...stored, name: "another" }, makeJob()];
    batches[50] = bad;
    const settled = await Promise.allSettled(batches.map((jobs) => repository.insert(jobs)));
    for (const [i, { status }] of settled.entries()) {
      assert.equal(status, i === 50 ? "rejected" : "fulfilled", `insert ${i}`);
    }
    const rejected = settled[50] as PromiseRejectedResult;
    assert.equal(rejected.reason.code, "already_exists");
    assert.deepEqual(await repository.get(stored.id), stored);
    assert.equal(await repository.get(bad[0]!.id), null);
    assert.equal(await repository.get(bad[2]!.id), null);
    assert.equal((await repository.count()).byStatus.PENDING, 1 + 99 * 2);
    assert.deepEqual(await repository.get(batches[51]![1]!.id), batches[51]![1]);
  });

  test("insert of one id by many callers at once has one winner", async (repository) => {
    const job = makeJob();
    const names = ["one", "two", "three", "four", "five"];
    const calls = names.map((name) => repository.insert([{ ...job, name }]));
    const settled = await Promise.allSettled(calls);
    assert.equal(settled.filter((call) => call.status === "fulfilled").length, 1);
    for (const call of settled) {
      if (call.status === "rejected") assert.equal(call.reason.code, "already_exists");
    }
    const winner = names[settled.findIndex((call) => call.status === "fulfilled")];
    assert.equal((await repository.get(job.id))?.name, winner);
  });

  test("claim of the same jobs by many callers at once has one winner", async (repository) => {
    const jobs = makeJobs(20);
    await repository.insert(jobs);
    const claims = jobs.map(({ id }) => makeClaim(id));
    const callers = Array.from(
      { length: 12 },
      (_, i) => i % 2 === 0 ? claims : claims.toReversed(),
    );
    const answers = await Promise.all(callers.map((part) => repository.change(part, testNowMs)));
    for (const [i, part] of callers.entries()) {
      for (const [j, job] of answers[i]!.entries()) {
        const { id } = part[j] as { readonly id: string };
        if (job !== null) assert.deepEqual([job.id, job.status, job.fence], [id, "IN_PROGRESS", 1]);
      }
    }
    const winners = answers.flat().filter((job) => job !== null);
    assert.deepEqual(winners.map((job) => job.id).sort(), jobs.map((job) => job.id));
  });

  test("claim of overlapping jobs by many callers at once has one winner each", async (repository) => {
    const jobs = makeJobs(60);
    await repository.insert(jobs);
    // Each caller wants every third, fourth, ... job, from somewhere on, in an order of its own.
    const callers = Array.from({ length: 30 }, (_, i) => {
      const wanted = jobs.filter((_, j) => (j + i) % (3 + i % 4) === 0);
      const from = (i * 7) % wanted.length;
      return [...wanted.slice(from), ...wanted.slice(0, from)];
    });
    const answers = await Promise.all(
      callers.map((part) => repository.change(part.map(({ id }) => makeClaim(id)), testNowMs)),
    );
    const winners = answers.flat().filter((job) => job !== null).map((job) => job.id);
    const wanted = new Set(callers.flat().map((job) => job.id));
    assert.deepEqual(winners.sort(), [...wanted].sort());
    for (const { id } of jobs) {
      assert.equal((await repository.get(id))?.fence, wanted.has(id) ? 1 : 0);
    }
  });

  test("schedule by many callers at once has one winner", async (repository) => {
    const job = makeJob({ runAtMs: testNowMs });
    await repository.insert([job]);
    const schedule: Change = { kind: "schedule", id: job.id };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => repository.change([schedule], testNowMs)),
    );
    assert.equal(answers.flat().filter((answer) => answer !== null).length, 1);
  });

  test("finish by one holder twice at once keeps one outcome with its result", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const held = await claimJob(repository, job.id);
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        repository.change([makeFinish(held, { resultJson: `${n}`, durationMs: n })], testNowMs)
      ),
    );
    for (const [answer] of answers) assert.equal(answer?.status, "COMPLETED");
    const { durationMs } = (await repository.get(job.id))!;
    assert.equal((await repository.getResult(job.id))?.metadataJson, `${durationMs}`);
  });

  test("finish and give_back of one claim at once: one of them holds", async (repository) => {
    const jobs = makeJobs(20);
    await repository.insert(jobs);
    const all = await claimJobs(repository, jobs.map((job) => job.id));
    for (const held of all) {
      const [[finished], [returned]] = await Promise.all([
        repository.change([makeFinish(held)], testNowMs),
        repository.change([{ kind: "give_back", held, wasStarted: true }], testNowMs),
      ]);
      assert.equal((finished === null) !== (returned === null), true);
      const stored = await repository.get(held.id);
      assert.equal(stored?.status, finished === null ? "PENDING" : "COMPLETED");
      assert.equal(await repository.getResult(held.id) === null, finished === null);
    }
  });

  test("claim, finish and delete at once leave no job and no result behind", async (repository) => {
    const jobs = makeJobs(40);
    await repository.insert(jobs);
    const held = await claimJobs(repository, jobs.slice(20).map((job) => job.id));
    await Promise.all([
      ...jobs.slice(0, 20).map(({ id }) => repository.change([makeClaim(id)], testNowMs)),
      ...held.map((job) => repository.change([makeFinish(job)], testNowMs)),
      ...jobs.map(({ id }) => repository.delete(id)),
    ]);
    for (const { id } of jobs) {
      assert.equal(await repository.get(id), null);
      assert.equal(await repository.getResult(id), null);
      assert.deepEqual(await repository.change([makeClaim(id)], testNowMs), [null]);
    }
    const { byStatus } = await repository.count();
    assert.ok(Object.values(byStatus).every((count) => count === 0));
  });

  test("delete by several callers at once has one winner", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const answers = await Promise.all([1, 2, 3, 4].map(() => repository.delete(job.id)));
    assert.deepEqual(answers.filter((answer) => answer !== null), [job]);
  });
}
