// Conformance of now, health and close.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { makeClaim, makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import { defaultDeadlineMs } from "../testing/within.ts";
import type { TestRepository } from "./repository.ts";

const calls: Readonly<Record<string, (repository: Repository) => unknown>> = {
  insert: (repository) => repository.insert([makeJob()]),
  get: (repository) => repository.get(makeJob().id),
  list: (repository) => repository.list({ limit: 10 }),
  delete: (repository) => repository.delete(makeJob().id),
  getResult: (repository) => repository.getResult(makeJob().id),
  deleteResult: (repository) => repository.deleteResult(makeJob().id),
  change: (repository) => repository.change([makeClaim(makeJob().id)], testNowMs),
  find: (repository) => repository.find({ state: "waiting", nowMs: testNowMs, limit: 10 }),
  count: (repository) => repository.count(),
};

/** Declares the tests. */
export function testLifeCycle(test: TestRepository): void {
  test("now is a whole number of milliseconds that goes on", async (repository) => {
    const startMs = repository.now();
    assert.ok(Number.isSafeInteger(startMs), `${startMs}`);
    const deadlineMs = performance.now() + defaultDeadlineMs;
    while (repository.now() <= startMs) {
      assert.ok(performance.now() < deadlineMs, "it stands still");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.ok(Number.isSafeInteger(repository.now()));
  });

  test("health of an open store is good", async (repository) => {
    assert.equal((await repository.health()).isHealthy, true);
  });

  for (const [name, call] of Object.entries(calls)) {
    test(`${name} after close is unavailable`, async (repository) => {
      await repository.close();
      await assert.rejects(async () => await call(repository), {
        name: "ValetError",
        code: "unavailable",
      });
    });
  }

  test("health after close is bad, with a reason, and does not throw", async (repository) => {
    await repository.close();
    const health = await repository.health();
    assert.equal(health.isHealthy, false);
    assert.ok(health.reason);
  });

  test("close a second time does nothing", async (repository) => {
    await repository.close();
    await repository.close();
  });

  test("close waits for calls under way", async (repository) => {
    const [waiting, ...jobs] = makeJobs(30) as [Job, ...Job[]];
    await repository.insert([waiting]);
    const calls = [
      ...jobs.map((job) => repository.insert([job])),
      repository.change([makeClaim(waiting.id)], testNowMs),
      repository.get(waiting.id),
      repository.find({ state: "waiting", nowMs: testNowMs, limit: 10 }),
    ];
    await repository.close();
    await Promise.all(calls);
  });
}
