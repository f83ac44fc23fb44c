// Conformance of the edit change: what a client may change, in whatever state the job is.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { claimJob, runJob } from "../testing/claim_jobs.ts";
import { makeClaim, makeFinish, makeJob, testNowMs } from "../testing/make_job.ts";
import type { TestRepository } from "./repository.ts";

interface Fields {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
}

async function edit(repository: Repository, id: string, fields: Fields): Promise<Job | null> {
  const [job] = await repository.change([{ kind: "edit", id, ...fields }], testNowMs);
  assert.notEqual(job, undefined);
  return job!;
}

/** Declares the tests. */
export function testEdits(test: TestRepository): void {
  test("edit changes the fields given, answers with the job, and leaves the rest", async (to) => {
    const job = makeJob({ name: "old", description: "old text", paramsJson: '{"a":1}' });
    await to.insert([job]);
    const steps: readonly [fields: Fields, expected: Fields][] = [
      [{ name: "new" }, { name: "new" }],
      [{ description: "" }, { name: "new", description: "" }],
      [{ name: undefined, description: "d" }, { name: "new", description: "d" }],
      [{ name: "newer", description: undefined }, { name: "newer", description: "d" }],
      [{ name: "both", description: "two" }, { name: "both", description: "two" }],
    ];
    for (const [fields, expected] of steps) {
      assert.deepEqual(await edit(to, job.id, fields), { ...job, ...expected });
      assert.deepEqual(await to.get(job.id), { ...job, ...expected });
    }
  });

  test("edit without fields, or with the same ones, finds the job", async (repository) => {
    const job = makeJob({ description: "text" });
    await repository.insert([job]);
    assert.deepEqual(await edit(repository, job.id, {}), job);
    assert.deepEqual(await edit(repository, job.id, { name: job.name }), job);
    assert.deepEqual(await edit(repository, job.id, { description: "text" }), job);
    assert.deepEqual(await repository.get(job.id), job);
  });

  test("edit gives a description to a job that has none", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await edit(repository, job.id, { name: "new" });
    assert.equal((await repository.get(job.id))?.description, undefined);
    await edit(repository, job.id, { description: "text" });
    assert.equal((await repository.get(job.id))?.description, "text");
  });

  test("edit removes a description, and leaves the rest", async (repository) => {
    const job = makeJob({ name: "old", description: "text" });
    await repository.insert([job]);
    const edited = await edit(repository, job.id, { name: "new", description: null });
    assert.deepEqual(edited, { ...job, name: "new", description: undefined });
    assert.deepEqual(await repository.get(job.id), edited);
    assert.deepEqual(await edit(repository, job.id, { description: null }), edited);
  });

  test("edit keeps a due job due and a waiting one waiting", async (repository) => {
    const [waiting, due] = [makeJob(), makeJob({ runAtMs: testNowMs })];
    await repository.insert([waiting, due]);
    for (const { id } of [waiting, due]) await edit(repository, id, { name: "new" });
    const query = { nowMs: testNowMs, limit: 10 };
    const found = await repository.find({ ...query, state: "waiting" });
    assert.deepEqual(found.jobs, [{ ...waiting, name: "new" }]);
    const foundDue = await repository.find({ ...query, state: "due" });
    assert.deepEqual(foundDue.jobs, [{ ...due, name: "new" }]);
  });

  test("edit of a claimed job survives its finish", async (repository) => {
    const job = makeJob({ description: "old" });
    await repository.insert([job]);
    const held = await claimJob(repository, job.id);
    const edited = await edit(repository, job.id, { name: "while running" });
    assert.deepEqual(edited, { ...held, name: "while running" });
    const [finished] = await repository.change([makeFinish(held)], testNowMs);
    assert.equal(finished?.status, "COMPLETED");
    const stored = await repository.get(job.id);
    assert.deepEqual([stored?.name, stored?.description], ["while running", "old"]);
    assert.equal(stored?.status, "COMPLETED");
  });

  test("edit of a claimed job survives its give_back and the next claim", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const held = await claimJob(repository, job.id);
    await edit(repository, job.id, { name: "while running" });
    await repository.change([{ kind: "renew", held, leaseMs: 3_600_000 }], testNowMs);
    await repository.change([{ kind: "give_back", held, wasStarted: true }], testNowMs);
    assert.equal((await repository.get(job.id))?.name, "while running");
    assert.equal((await claimJob(repository, job.id)).name, "while running");
  });

  test("edit of a finished job leaves its result", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const finished = await runJob(repository, job.id, { resultJson: "1" });
    const edited = await edit(repository, job.id, { description: "when finished" });
    assert.deepEqual(edited, { ...finished, description: "when finished" });
    assert.equal((await repository.getResult(job.id))?.metadataJson, "1");
  });

  test("edits of several jobs in one call each change their own fields", async (repository) => {
    const jobs = ["a", "b", "c"].map((name) => makeJob({ name, description: `${name} text` }));
    await repository.insert(jobs);
    const [a, b, c] = jobs as [Job, Job, Job];
    const answers = await repository.change([
      { kind: "edit", id: c.id, description: "c new" },
      { kind: "edit", id: a.id, name: "a new" },
      { kind: "edit", id: b.id, name: "b new", description: "b both" },
    ], testNowMs);
    const expected = [
      { ...c, description: "c new" },
      { ...a, name: "a new" },
      { ...b, name: "b new", description: "b both" },
    ];
    assert.deepEqual(answers, expected);
    for (const job of expected) assert.deepEqual(await repository.get(job.id), job);
  });

  test("edits of different fields at once both hold", async (repository) => {
    const jobs = Array.from({ length: 20 }, () => makeJob({ description: "old" }));
    await repository.insert(jobs);
    await Promise.all(jobs.flatMap(({ id }) => [
      edit(repository, id, { name: "new" }),
      edit(repository, id, { description: "new" }),
    ]));
    for (const job of jobs) {
      assert.deepEqual(await repository.get(job.id), { ...job, name: "new", description: "new" });
    }
  });

  test("edit, claim and finish at once lose nothing of each other", async (repository) => {
    const jobs = Array.from({ length: 20 }, () => makeJob());
    await repository.insert(jobs);
    await Promise.all(jobs.map(async ({ id }, i) => {
      const editing = edit(repository, id, { name: "first" });
      const [held] = await repository.change([makeClaim(id)], testNowMs);
      assert.ok(held);
      await Promise.all([
        editing,
        edit(repository, id, { description: `text ${i}` }),
        repository.change([makeFinish(held)], testNowMs),
      ]);
      const stored = await repository.get(id);
      assert.deepEqual(
        [stored?.name, stored?.description, stored?.status],
        ["first", `text ${i}`, "COMPLETED"],
      );
    }));
  });
}
