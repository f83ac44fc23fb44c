// Conformance of insert, get, update, delete and results: what is stored comes back as it was.

import assert from "node:assert/strict";
import type { Job } from "../../src/job.ts";
import { makeFinish, makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import type { TestRepository } from "./repository.ts";

/** The last millisecond of the year 9999, the last that RFC 3339 can write. */
const lastMs = 253_402_300_799_999;

/** Texts that stores are known to cut, to change or to run. */
const hardTexts: Readonly<Record<string, string>> = {
  "quotes and an injection": `'; DROP TABLE jobs; -- " \` \\' \\\\ ? :id $1 %s`,
  "wildcards": "100% _under_ [a-z] * .*",
  "unicode of four bytes": "\u{1F600} \u{10FFFF} \u{20BB7}",
  "combining marks, right to left and a byte order mark": "e\u0301 \u05D0\u05D1 \uFEFF",
  "NUL and control characters": "a\u0000b\u0001\u001F\u007F\r\n\t",
  "blanks at both ends": "  x \t ",
  "the empty text": "",
  "name of a property": "__proto__",
};

const everyField: Partial<Job> = {
  description: "what it is for",
  taskName: "http_request",
  paramsJson: '{"url":"http://localhost/","n":1.50,"big":12345678901234567890}',
  timeoutMs: 31_536_000_000,
  runAtMs: lastMs,
  status: "FAILED",
  failureReason: "it broke",
  createdAtMs: testNowMs,
  scheduledAtMs: testNowMs + 1,
  startedAtMs: testNowMs + 2,
  completedAtMs: lastMs,
  durationMs: 31_536_000_001,
  attempt: 3,
};

/** Declares the tests. */
export function testRecords(test: TestRepository): void {
  test("insert stores jobs with every field set and every field unset", async (repository) => {
    const jobs = [makeJob(everyField), makeJob()];
    await repository.insert(jobs);
    for (const job of jobs) assert.deepEqual(await repository.get(job.id), job);
  });

  for (const [what, text] of Object.entries(hardTexts)) {
    test(`every text field keeps ${what}`, async (repository) => {
      const job = makeJob({
        name: text,
        description: text,
        taskName: text,
        paramsJson: JSON.stringify({ [text]: text }),
      });
      await repository.insert([job]);
      assert.deepEqual(await repository.get(job.id), job);
      await repository.change([{ kind: "claim", id: job.id }], testNowMs);
      const failed = { status: "FAILED", resultJson: undefined, failureReason: text } as const;
      const [after] = await repository.change([makeFinish(job.id, 1, failed)], testNowMs);
      assert.equal(after?.failureReason, text);
      assert.deepEqual(await repository.get(job.id), after);
      assert.equal((await repository.getResult(job.id))?.error, text);
      assert.equal(await repository.get(text), null);
    });
  }

  const params = {
    "1 MiB": JSON.stringify({ text: "\u00E9".repeat(1024 * 512) }),
    "an empty object": "{}",
    "deep nesting": `{"a":${"[".repeat(500)}${"]".repeat(500)}}`,
    "odd spacing, order and doubled keys": '{ "b" : 1,"a":2 ,\n"b":3.10 }',
  };
  for (const [what, paramsJson] of Object.entries(params)) {
    test(`paramsJson and a result of ${what} keep their exact text`, async (repository) => {
      const job = makeJob({ paramsJson });
      await repository.insert([job]);
      await repository.change([{ kind: "claim", id: job.id }], testNowMs);
      await repository.change([makeFinish(job.id, 1, { resultJson: paramsJson })], testNowMs);
      assert.ok((await repository.get(job.id))?.paramsJson === paramsJson);
      assert.ok((await repository.getResult(job.id))?.metadataJson === paramsJson);
    });
  }

  test("insert stores many jobs in one call", async (repository) => {
    const jobs = makeJobs(1000);
    await repository.insert(jobs);
    assert.equal((await repository.count()).PENDING, 1000);
    assert.deepEqual(await repository.get(jobs[999]!.id), jobs[999]);
  });

  test("insert of no jobs does nothing", async (repository) => {
    await repository.insert([]);
    assert.equal((await repository.count()).PENDING, 0);
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
    assert.equal((await repository.count()).PENDING, 1);
  });

  test("insert of one id twice in a call is already_exists and stores none", async (repository) => {
    const job = makeJob();
    await assert.rejects(repository.insert([job, job]), { code: "already_exists" });
    assert.equal(await repository.get(job.id), null);
  });

  test("insert of one id by two callers at once has one winner", async (repository) => {
    const job = makeJob();
    const names = ["one", "two", "three", "four"];
    const calls = names.map((name) => repository.insert([{ ...job, name }]));
    const settled = await Promise.allSettled(calls);
    assert.equal(settled.filter((call) => call.status === "fulfilled").length, 1);
    const winner = names[settled.findIndex((call) => call.status === "fulfilled")];
    assert.equal((await repository.get(job.id))?.name, winner);
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

  test("what get and list returned does not change later", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const got = await repository.get(job.id);
    const page = await repository.list({ limit: 10 });
    await repository.update(job.id, { name: "another" });
    await repository.change([{ kind: "claim", id: job.id }], testNowMs);
    await repository.insert([makeJob()]);
    assert.deepEqual(got, job);
    assert.deepEqual(page.jobs, [job]);
  });

  test("update changes the fields given and leaves the others", async (repository) => {
    const job = makeJob({ name: "old", description: "old text" });
    await repository.insert([job]);
    assert.equal(await repository.update(job.id, { name: "new" }), true);
    assert.deepEqual(await repository.get(job.id), { ...job, name: "new" });
    assert.equal(await repository.update(job.id, { description: "" }), true);
    assert.deepEqual(await repository.get(job.id), { ...job, name: "new", description: "" });
    assert.equal(await repository.update(job.id, { name: undefined, description: "d" }), true);
    assert.deepEqual(await repository.get(job.id), { ...job, name: "new", description: "d" });
  });

  test("update without fields or with the same ones finds the job", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    assert.equal(await repository.update(job.id, {}), true);
    assert.equal(await repository.update(job.id, { name: job.name }), true);
    assert.deepEqual(await repository.get(job.id), job);
  });

  test("update works in every state and survives later changes", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await repository.change([{ kind: "claim", id: job.id }], testNowMs);
    await repository.update(job.id, { name: "while running" });
    const [after] = await repository.change([makeFinish(job.id, 1)], testNowMs);
    assert.equal(after?.name, "while running");
    await repository.update(job.id, { description: "when finished" });
    assert.deepEqual(await repository.get(job.id), { ...after, description: "when finished" });
    assert.ok(await repository.getResult(job.id));
  });

  test("update of an unknown id is false and stores nothing", async (repository) => {
    const { id } = makeJob();
    assert.equal(await repository.update(id, { name: "new" }), false);
    assert.equal(await repository.get(id), null);
  });

  test("delete returns the job as it was and removes it everywhere", async (repository) => {
    const job = makeJob({ runAtMs: testNowMs });
    await repository.insert([job]);
    assert.deepEqual(await repository.delete(job.id), job);
    assert.equal(await repository.get(job.id), null);
    assert.deepEqual(await repository.list({ limit: 10 }), { jobs: [], nextBeforeId: null });
    assert.deepEqual(await repository.findDue(testNowMs, 10), { jobs: [], nextRunAtMs: null });
    assert.equal((await repository.count()).PENDING, 0);
  });

  test("delete of an unknown id is null", async (repository) => {
    assert.equal(await repository.delete(makeJob().id), null);
  });

  test("delete by several callers at once has one winner", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const answers = await Promise.all([1, 2, 3, 4].map(() => repository.delete(job.id)));
    assert.deepEqual(answers.filter((answer) => answer !== null), [job]);
  });

  test("delete of a finished job removes its result", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await repository.change([{ kind: "claim", id: job.id }, makeFinish(job.id, 1)], testNowMs);
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
    await repository.change([{ kind: "claim", id: job.id }], testNowMs);
    assert.equal(await repository.getResult(job.id), null);
  });

  test("getResult of a task that returned nothing has neither metadata nor error", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    await repository.change([{ kind: "claim", id: job.id }], testNowMs);
    await repository.change([makeFinish(job.id, 1, { resultJson: undefined })], testNowMs);
    const expected = { jobId: job.id, metadataJson: undefined, error: undefined };
    assert.deepEqual(await repository.getResult(job.id), expected);
  });

  test("deleteResult removes the result once and leaves the job", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    assert.equal(await repository.deleteResult(job.id), false);
    await repository.change([{ kind: "claim", id: job.id }], testNowMs);
    const [after] = await repository.change([makeFinish(job.id, 1)], testNowMs);
    assert.equal(await repository.deleteResult(job.id), true);
    assert.equal(await repository.deleteResult(job.id), false);
    assert.equal(await repository.getResult(job.id), null);
    assert.deepEqual(await repository.get(job.id), after);
  });
}
