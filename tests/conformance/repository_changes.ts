// Conformance of change: the rules of applyChange, by compare-and-set, with one winner.

import assert from "node:assert/strict";
import { applyChange, type Change, type Job, jobStatuses } from "../../src/job.ts";
import type { Repository } from "../../src/repository.ts";
import { makeFinish, makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import type { TestRepository } from "./repository.ts";

async function changeOne(repository: Repository, change: Change): Promise<Job | null> {
  const answers = await repository.change([change], testNowMs);
  assert.equal(answers.length, 1);
  return answers[0] ?? null;
}

function everyChange(id: string): Change[] {
  const changes: Change[] = [{ kind: "schedule", id }, { kind: "claim", id }];
  for (const attempt of [0, 1, 2]) {
    changes.push(
      makeFinish(id, attempt),
      { kind: "give_back", id, attempt, wasStarted: true },
      { kind: "give_back", id, attempt, wasStarted: false },
    );
  }
  return changes;
}

/** Declares the tests. */
export function testChanges(test: TestRepository): void {
  for (const status of jobStatuses) {
    test(`change of a ${status} job answers and stores what applyChange says`, async (repository) => {
      for (const runAtMs of [undefined, testNowMs, testNowMs + 1]) {
        const attempt = status === "PENDING" || status === "SCHEDULED" ? 0 : 1;
        for (const [i] of everyChange("any").entries()) {
          const job = makeJob({ status, runAtMs, attempt });
          const change = everyChange(job.id)[i]!;
          await repository.insert([job]);
          const expected = applyChange(job, change, testNowMs);
          assert.deepEqual(await changeOne(repository, change), expected, change.kind);
          assert.deepEqual(await repository.get(job.id), expected ?? job, change.kind);
        }
      }
    });
  }

  test("change answers each change in its place", async (repository) => {
    const [a, b, c] = makeJobs(3) as [Job, Job, Job];
    await repository.insert([a, c]);
    const answers = await repository.change([
      { kind: "claim", id: c.id },
      { kind: "claim", id: b.id },
      { kind: "schedule", id: a.id },
      { kind: "claim", id: a.id },
    ], testNowMs);
    assert.deepEqual(answers.map((job) => job?.id), [c.id, undefined, undefined, a.id]);
    assert.deepEqual(answers.slice(1, 3), [null, null]);
  });

  test("change applies several changes of one job in their order", async (repository) => {
    const job = makeJob({ runAtMs: testNowMs });
    await repository.insert([job]);
    const { id } = job;
    const answers = await repository.change([
      { kind: "claim", id },
      { kind: "schedule", id },
      { kind: "claim", id },
      { kind: "claim", id },
      { kind: "give_back", id, attempt: 1, wasStarted: true },
      { kind: "claim", id },
      makeFinish(id, 1),
      makeFinish(id, 2),
    ], testNowMs);
    assert.deepEqual(
      answers.map((answer) => answer === null ? null : [answer.status, answer.attempt]),
      [
        null,
        ["SCHEDULED", 0],
        ["IN_PROGRESS", 1],
        null,
        ["SCHEDULED", 1],
        ["IN_PROGRESS", 2],
        null,
        ["COMPLETED", 2],
      ],
    );
    assert.deepEqual(await repository.get(id), answers[7]);
  });

  test("change takes many changes, and none", async (repository) => {
    assert.deepEqual(await repository.change([], testNowMs), []);
    const jobs = makeJobs(500);
    await repository.insert(jobs);
    const claims = jobs.map(({ id }) => ({ kind: "claim", id } as const));
    const claimed = await repository.change(claims, testNowMs);
    assert.deepEqual(claimed.map((job) => job?.id), jobs.map((job) => job.id));
    const finishes = jobs.map(({ id }) => makeFinish(id, 1, { resultJson: `"${id}"` }));
    await repository.change(finishes.toReversed(), testNowMs);
    assert.equal((await repository.count()).COMPLETED, 500);
    for (const { id } of [jobs[0]!, jobs[250]!, jobs[499]!]) {
      assert.equal((await repository.getResult(id))?.metadataJson, `"${id}"`);
    }
  });

  test("claim by many callers at once has exactly one winner", async (repository) => {
    const jobs = makeJobs(20);
    await repository.insert(jobs);
    const claims = jobs.map(({ id }) => ({ kind: "claim", id } as const));
    const callers = Array.from({ length: 8 }, (_, i) => i % 2 === 0 ? claims : claims.toReversed());
    const answers = await Promise.all(callers.map((part) => repository.change(part, testNowMs)));
    const winners = answers.flat().filter((job) => job !== null);
    assert.deepEqual(winners.map((job) => job.id).sort(), jobs.map((job) => job.id));
    assert.ok(winners.every((job) => job.attempt === 1));
  });

  test("claim and delete at once leave no job behind", async (repository) => {
    const jobs = makeJobs(20);
    await repository.insert(jobs);
    await Promise.all(jobs.flatMap(({ id }) => [
      repository.change([{ kind: "claim", id }], testNowMs),
      repository.delete(id),
    ]));
    for (const { id } of jobs) {
      assert.equal(await repository.get(id), null);
      assert.equal(await changeOne(repository, { kind: "claim", id }), null);
      assert.equal(await changeOne(repository, makeFinish(id, 1)), null);
      assert.equal(await repository.getResult(id), null);
    }
    assert.equal((await repository.count()).IN_PROGRESS, 0);
  });

  test("finish of an attempt that lost the job changes nothing", async (repository) => {
    const job = makeJob();
    const { id } = job;
    await repository.insert([job]);
    await changeOne(repository, { kind: "claim", id });
    await changeOne(repository, { kind: "give_back", id, attempt: 1, wasStarted: true });
    assert.equal(await changeOne(repository, makeFinish(id, 1)), null);
    const second = await changeOne(repository, { kind: "claim", id });
    assert.equal(second?.attempt, 2);
    assert.equal(await changeOne(repository, makeFinish(id, 1, { resultJson: '"old"' })), null);
    assert.deepEqual(await repository.get(id), second);
    assert.equal(await repository.getResult(id), null);
    await changeOne(repository, makeFinish(id, 2, { resultJson: '"new"' }));
    assert.equal((await repository.getResult(id))?.metadataJson, '"new"');
  });

  test("finish twice keeps the first outcome and result", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await changeOne(repository, { kind: "claim", id: job.id });
    const [first, second] = await Promise.all([
      changeOne(repository, makeFinish(job.id, 1, { resultJson: "1" })),
      changeOne(repository, makeFinish(job.id, 1, { resultJson: "2" })),
    ]);
    assert.equal((first === null) !== (second === null), true);
    const result = await repository.getResult(job.id);
    assert.equal(result?.metadataJson, first === null ? "2" : "1");
  });

  test("finish takes times and durations of the task, not of the call", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await changeOne(repository, { kind: "claim", id: job.id });
    const outcome = { startedAtMs: testNowMs - 90_000_123, durationMs: 90_000_001 };
    const after = await changeOne(repository, makeFinish(job.id, 1, outcome));
    assert.equal(after?.startedAtMs, testNowMs - 90_000_123);
    assert.equal(after?.durationMs, 90_000_001);
    assert.equal(after?.completedAtMs, testNowMs - 122);
    assert.deepEqual(await repository.get(job.id), after);
  });

  test("give_back lets the job be claimed again, with no result", async (repository) => {
    const [plain, timed] = [makeJob(), makeJob({ runAtMs: testNowMs, status: "SCHEDULED" })];
    await repository.insert([plain, timed]);
    for (const { id } of [plain, timed]) {
      await changeOne(repository, { kind: "claim", id });
      await changeOne(repository, { kind: "give_back", id, attempt: 1, wasStarted: false });
      assert.equal((await repository.get(id))?.attempt, 0);
      assert.equal(await repository.getResult(id), null);
      assert.equal((await changeOne(repository, { kind: "claim", id }))?.attempt, 1);
      await changeOne(repository, { kind: "give_back", id, attempt: 1, wasStarted: true });
      assert.equal((await changeOne(repository, { kind: "claim", id }))?.attempt, 2);
    }
  });
}
