// Conformance of insert, get, delete and results.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import { claimJob, runJob } from "../testing/claim_jobs.ts";
import { makeClaim, makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import type { TestRepository } from "./repository.ts";

/** Declares the tests. */
export function testRecords(test: TestRepository): void {
  test("insert stores many jobs in one call", async (repository) => {
    const jobs = makeJobs(1000);
    await repository.insert(jobs);
    assert.equal((await repository.count()).byStatus.PENDING, 1000);
    assert.deepEqual(await repository.get(jobs[999]!.id), jobs[999]);
  });

  test("insert of no jobs does nothing", async (repository) => {
    await repository.insert([]);
    assert.equal((await repository.count()).byStatus.PENDING, 0);
  });

  test("insert of a stored id is already_exists and stores none", async (repository) => {
    const [first, second, third] = makeJobs(3) as [Job, Job, Job];
    await repository.insert([second]);
    const again = { ...second, name: "another" };
    await assert.rejects(repository.insert([first, again, third]), { code: "already_exists" });
    assert.equal(await repository.get(first.id), null);
    assert.deepEqual(await repository.get(second.id), second);
    assert.equal(await repository.get(third.id), null);
    assert.deepEqual((await repository.list({ limit: 10 })).jobs, [second]);
    assert.equal((await repository.count()).byStatus.PENDING, 1);
  });

  test("insert of one id twice in a call is already_exists and stores none", async (repository) => {
    const job = makeJob();
    await assert.rejects(repository.insert([job, job]), { code: "already_exists" });
    assert.equal(await repository.get(job.id), null);
  });

  test("insert stores an id again that was deleted", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await repository.delete(job.id);
    await repository.insert([{ ...job, name: "another" }]);
    assert.deepEqual(await repository.get(job.id), { ...job, name: "another" });
    assert.equal((await repository.list({ limit: 10 })).jobs.length, 1);
  });

  test("get of an unknown id is null", async (repository) => {
    await repository.insert([makeJob()]);
    assert.equal(await repository.get(makeJob().id), null);
    assert.equal(await repository.get("constructor"), null);
  });

  test("ids are compared character by character", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const { id } = job;
    for (
      const other of [id.toUpperCase(), `${id} `, ` ${id}`, id.slice(0, -1), `${id}\u0000`, ""]
    ) {
      assert.equal(await repository.get(other), null, other);
      assert.equal(await repository.delete(other), null, other);
      assert.deepEqual(await repository.change([makeClaim(other)], testNowMs), [null], other);
    }
    assert.deepEqual(await repository.get(id), job);
  });

  test("what get and list returned does not change later", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const got = await repository.get(job.id);
    const page = await repository.list({ limit: 10 });
    await repository.change([{ kind: "edit", id: job.id, name: "another" }], testNowMs);
    await claimJob(repository, job.id);
    await repository.insert([makeJob()]);
    assert.deepEqual(got, job);
    assert.deepEqual(page.jobs, [job]);
  });

  test("delete returns the job as it was and removes it everywhere", async (repository) => {
    const job = makeJob({ runAtMs: testNowMs });
    await repository.insert([job]);
    assert.deepEqual(await repository.delete(job.id), job);
    assert.equal(await repository.get(job.id), null);
    assert.deepEqual(await repository.list({ limit: 10 }), { jobs: [], nextBeforeId: null });
    for (const state of ["due", "waiting", "abandoned"] as const) {
      const found = await repository.find({ state, nowMs: testNowMs, limit: 10 });
      assert.deepEqual(found, { jobs: [], nextRunAtMs: null });
    }
    assert.equal((await repository.count()).byStatus.PENDING, 0);
  });

  test("delete of an unknown id is null", async (repository) => {
    assert.equal(await repository.delete(makeJob().id), null);
  });

  test("delete of a finished job removes its result", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await runJob(repository, job.id);
    await repository.delete(job.id);
    assert.equal(await repository.getResult(job.id), null);
    assert.equal(await repository.deleteResult(job.id), false);
    await repository.insert([job]);
    assert.equal(await repository.getResult(job.id), null);
  });

  test("getResult is null until the job has finished", async (repository) => {
    const job = makeJob();
    assert.equal(await repository.getResult(job.id), null);
    await repository.insert([job]);
    assert.equal(await repository.getResult(job.id), null);
    const held = await claimJob(repository, job.id);
    assert.equal(await repository.getResult(job.id), null);
    await repository.change([{ kind: "give_back", held, wasStarted: true }], testNowMs);
    assert.equal(await repository.getResult(job.id), null);
    await runJob(repository, job.id);
    assert.ok(await repository.getResult(job.id));
  });

  test("getResult of a task that returned nothing has neither metadata nor error", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await runJob(repository, job.id, { resultJson: undefined });
    const expected = { jobId: job.id, metadataJson: undefined, error: undefined };
    assert.deepEqual(await repository.getResult(job.id), expected);
  });

  test("deleteResult removes the result once and leaves the job", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    assert.equal(await repository.deleteResult(job.id), false);
    const after = await runJob(repository, job.id);
    assert.equal(await repository.deleteResult(job.id), true);
    assert.equal(await repository.deleteResult(job.id), false);
    assert.equal(await repository.getResult(job.id), null);
    assert.deepEqual(await repository.get(job.id), after);
  });
}
