// Conformance of find and count: what somebody has to do something about, and how much there is.

import assert from "node:assert/strict";
import { type Job, jobStatuses } from "../../src/jobs/job.ts";
import type { Repository, WorkQuery } from "../../src/jobs/repository.ts";
import { claimJob, claimJobs, runJob } from "../testing/claim_jobs.ts";
import { makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import type { TestRepository } from "./repository.ts";

const nothing = { jobs: [], nextRunAtMs: null };
const zero = { PENDING: 0, SCHEDULED: 0, IN_PROGRESS: 0, COMPLETED: 0, FAILED: 0 };

function due(nowMs = testNowMs, limit = 10): WorkQuery {
  return { state: "due", nowMs, limit };
}

function waiting(limit = 10, afterId?: string): WorkQuery {
  return { state: "waiting", nowMs: testNowMs, limit, afterId };
}

async function assertCounts(repository: Repository, expected: object, waitingCount: number) {
  const { byStatus, waiting } = await repository.count();
  assert.deepEqual({ ...byStatus }, { ...zero, ...expected });
  assert.equal(waiting, waitingCount);
}

/** Declares the tests. */
export function testFinds(test: TestRepository): void {
  test("find in an empty store finds nothing", async (repository) => {
    for (const state of ["due", "waiting", "abandoned"] as const) {
      assert.deepEqual(await repository.find({ state, nowMs: testNowMs, limit: 10 }), nothing);
    }
  });

  test("find due gives due PENDING jobs, earliest first, and the next time", async (repository) => {
    const [late, early, future, untimed] = [
      makeJob({ runAtMs: testNowMs }),
      makeJob({ runAtMs: testNowMs - 10_000 }),
      makeJob({ runAtMs: testNowMs + 1 }),
      makeJob(),
    ] as const;
    const others = jobStatuses.filter((status) => status !== "PENDING")
      .map((status) => makeJob({ status, runAtMs: testNowMs - 5 }));
    await repository.insert([late, early, future, untimed, ...others]);
    const found = { jobs: [early, late], nextRunAtMs: testNowMs + 1 };
    assert.deepEqual(await repository.find(due()), found);
    assert.deepEqual(await repository.find(due()), found, "it changed something");
  });

  test("find due orders jobs of the same time by id", async (repository) => {
    const jobs = makeJobs(5, { runAtMs: testNowMs });
    await repository.insert(jobs.toReversed());
    assert.deepEqual((await repository.find(due())).jobs, jobs);
    const first = await repository.find(due(testNowMs, 3));
    assert.deepEqual(first, { jobs: jobs.slice(0, 3), nextRunAtMs: testNowMs });
  });

  test("find due gives at most its limit, and then a next time that is due", async (repository) => {
    const jobs = [3, 2, 1].map((n) => makeJob({ runAtMs: testNowMs - n }));
    await repository.insert(jobs);
    const { jobs: found, nextRunAtMs } = await repository.find(due(testNowMs, 2));
    assert.deepEqual(found, jobs.slice(0, 2));
    assert.equal(nextRunAtMs, testNowMs - 1);
    assert.deepEqual(await repository.find(due(testNowMs, 3)), { jobs, nextRunAtMs: null });
  });

  test("find due with nothing due gives the earliest time, null without any", async (repository) => {
    const lastMs = 253_402_300_799_999;
    await repository.insert([makeJob(), makeJob({ runAtMs: lastMs })]);
    assert.deepEqual(await repository.find(due()), { jobs: [], nextRunAtMs: lastMs });
    await repository.insert([makeJob({ runAtMs: lastMs - 1 })]);
    assert.equal((await repository.find(due())).nextRunAtMs, lastMs - 1);
    assert.equal((await repository.find(due(lastMs))).jobs.length, 2);
  });

  test("find due forgets jobs that were scheduled or deleted", async (repository) => {
    const jobs = makeJobs(4, { runAtMs: testNowMs });
    await repository.insert(jobs);
    await repository.change([{ kind: "schedule", id: jobs[0]!.id }], testNowMs);
    await repository.delete(jobs[2]!.id);
    assert.deepEqual((await repository.find(due())).jobs, [jobs[1], jobs[3]]);
  });

  test("find waiting gives jobs that can be claimed, in the order of their ids", async (repository) => {
    const timed = makeJob({ runAtMs: testNowMs });
    const jobs = jobStatuses.flatMap((status) => [
      makeJob({ status }),
      makeJob({ status, runAtMs: testNowMs }),
    ]);
    await repository.insert([...jobs.toReversed(), timed]);
    const expected = jobs.filter(({ status, runAtMs }) =>
      status === "SCHEDULED" || (status === "PENDING" && runAtMs === undefined)
    );
    const found = { jobs: expected, nextRunAtMs: null };
    assert.deepEqual(await repository.find(waiting()), found);
    assert.deepEqual(await repository.find(waiting()), found, "it changed something");
    for (const job of jobs) assert.deepEqual(await repository.get(job.id), job);
  });

  test("find waiting follows every change of a job", async (repository) => {
    const [plain, timed] = [makeJob(), makeJob({ runAtMs: testNowMs })];
    await repository.insert([plain, timed]);
    const idsOf = async () => (await repository.find(waiting())).jobs.map((job) => job.id);
    assert.deepEqual(await idsOf(), [plain.id]);
    await repository.change([{ kind: "schedule", id: timed.id }], testNowMs);
    assert.deepEqual(await idsOf(), [plain.id, timed.id]);
    const held = await claimJobs(repository, [timed.id, plain.id]);
    assert.deepEqual(await idsOf(), []);
    for (const job of held) {
      await repository.change([{ kind: "give_back", held: job, wasStarted: true }], testNowMs);
    }
    assert.deepEqual(await idsOf(), [plain.id, timed.id]);
    await runJob(repository, plain.id);
    assert.deepEqual(await idsOf(), [timed.id]);
    await repository.delete(timed.id);
    assert.deepEqual(await idsOf(), []);
  });

  test("find waiting gives every job once, whatever its limit", async (repository) => {
    const jobs = Array.from(
      { length: 30 },
      (_, i) => i % 4 === 0 ? makeJob({ status: "SCHEDULED", runAtMs: testNowMs }) : makeJob(),
    );
    await repository.insert(jobs);
    for (const limit of [1, 4, 29, 30, 31, 1000]) {
      const found: Job[] = [];
      while (true) {
        const part = await repository.find(waiting(limit, found.at(-1)?.id));
        assert.ok(part.jobs.length <= limit);
        found.push(...part.jobs);
        if (part.jobs.length < limit) break;
      }
      assert.deepEqual(found, jobs, `limit ${limit}`);
    }
  });

  test("find waiting takes an afterId that is not stored or does not wait", async (repository) => {
    const jobs = makeJobs(6);
    await repository.insert(jobs);
    await claimJob(repository, jobs[2]!.id);
    await repository.delete(jobs[3]!.id);
    for (const i of [2, 3]) {
      assert.deepEqual((await repository.find(waiting(10, jobs[i]!.id))).jobs, jobs.slice(4));
    }
    const first = "00000000-0000-7000-8000-000000000000";
    const before = [jobs[0], jobs[1], jobs[4], jobs[5]];
    assert.deepEqual((await repository.find(waiting(10, first))).jobs, before);
    assert.deepEqual(await repository.find(waiting(10, jobs[5]!.id)), nothing);
  });

  test("find takes the largest limit", async (repository) => {
    const jobs = makeJobs(1001);
    await repository.insert(jobs);
    assert.deepEqual((await repository.find(waiting(1000))).jobs, jobs.slice(0, 1000));
  });

  test("find abandoned leaves held, given back and finished jobs alone", async (repository) => {
    const jobs = makeJobs(4);
    await repository.insert(jobs);
    const held = await claimJobs(repository, jobs.slice(0, 3).map((job) => job.id));
    await repository.change([
      { kind: "give_back", held: held[1]!, wasStarted: true },
      { kind: "renew", held: held[2]!, leaseMs: 3_600_000 },
    ], repository.now());
    await runJob(repository, jobs[3]!.id);
    const query = { state: "abandoned", nowMs: repository.now(), limit: 10 } as const;
    assert.deepEqual(await repository.find(query), nothing);
  });

  test("what find returned does not change later", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const found = await repository.find(waiting());
    await claimJob(repository, job.id);
    await repository.insert([makeJob()]);
    assert.deepEqual(found.jobs, [job]);
  });

  test("count follows insert, change and delete", async (repository) => {
    await assertCounts(repository, {}, 0);
    const [plain, timed, other] = [makeJob(), makeJob({ runAtMs: testNowMs }), makeJob()];
    await repository.insert([plain, timed, other]);
    await assertCounts(repository, { PENDING: 3 }, 2);
    await repository.change([{ kind: "schedule", id: timed.id }], testNowMs);
    await assertCounts(repository, { PENDING: 2, SCHEDULED: 1 }, 3);
    const held = await claimJob(repository, timed.id);
    await runJob(repository, other.id, { status: "FAILED", failureReason: "it broke" });
    await assertCounts(repository, { PENDING: 1, IN_PROGRESS: 1, FAILED: 1 }, 1);
    await repository.change([{ kind: "give_back", held, wasStarted: true }], testNowMs);
    await assertCounts(repository, { PENDING: 1, SCHEDULED: 1, FAILED: 1 }, 2);
    await runJob(repository, plain.id);
    await assertCounts(repository, { SCHEDULED: 1, COMPLETED: 1, FAILED: 1 }, 1);
    for (const { id } of [timed, other]) await repository.delete(id);
    await assertCounts(repository, { COMPLETED: 1 }, 0);
  });
}
