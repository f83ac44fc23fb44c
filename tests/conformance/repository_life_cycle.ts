// Conformance of health and close.

import assert from "node:assert/strict";
import type { Repository } from "../../src/repository.ts";
import { makeFinish, makeJob, testNowMs } from "../testing/make_job.ts";
import type { TestRepository } from "./repository.ts";

const calls: Readonly<Record<string, (repository: Repository) => Promise<unknown>>> = {
  insert: (repository) => repository.insert([makeJob()]),
  get: (repository) => repository.get(makeJob().id),
  list: (repository) => repository.list({ limit: 10 }),
  update: (repository) => repository.update(makeJob().id, { name: "new" }),
  delete: (repository) => repository.delete(makeJob().id),
  getResult: (repository) => repository.getResult(makeJob().id),
  deleteResult: (repository) => repository.deleteResult(makeJob().id),
  change: (repository) => repository.change([makeFinish(makeJob().id, 1)], testNowMs),
  findDue: (repository) => repository.findDue(testNowMs, 10),
  count: (repository) => repository.count(),
};

/** Declares the tests. */
export function testLifeCycle(test: TestRepository): void {
  test("health of an open store is good", async (repository) => {
    assert.equal((await repository.health()).isHealthy, true);
  });

  for (const [name, call] of Object.entries(calls)) {
    test(`${name} after close is unavailable`, async (repository) => {
      await repository.close();
      await assert.rejects(call(repository), { name: "ValetError", code: "unavailable" });
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
    const job = makeJob();
    const insert = repository.insert([job]);
    const get = repository.get(job.id);
    await repository.close();
    await insert;
    await get;
  });
}
