// Conformance of what a store keeps: every value comes back as it was.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import { runJob } from "../testing/claim_jobs.ts";
import { makeJob, testNowMs } from "../testing/make_job.ts";
import type { TestRepository } from "./repository.ts";

/** The first and the last millisecond that RFC 3339 can write. */
const firstMs = Date.parse("0000-01-01T00:00:00.000Z");
const lastMs = Date.parse("9999-12-31T23:59:59.999Z");

/** Texts that stores are known to cut, to change or to run. */
const hardTexts: Readonly<Record<string, string>> = {
  "quotes and an injection": `'; DROP TABLE jobs; -- " \` \\' \\\\ ? ?? :id @id $1 %s {}`,
  "comments": "/* a */ -- b\n# c\n/*!99999 d */ */",
  "backslashes at the end": "a\\",
  "escapes": "\\n \\0 \\x41 \\u0041 \\% \\_",
  "wildcards": "100% _under_ [a-z] * .*",
  "unicode of four bytes": "\u{1F600} \u{10FFFF} \u{20BB7}",
  "combining marks, right to left and a byte order mark": "e\u0301 \u05D0\u05D1 \uFEFF",
  "a byte order mark first": "\uFEFFa",
  "letters that have two forms": "\u00E9 e\u0301 \u212B \u00C5",
  "NUL and control characters": "a\u0000b\u0001\u001F\u007F\u0085\r\n\t\u2028",
  "NUL alone": "\u0000",
  "NUL at the end": "a\u0000",
  "blanks at both ends": "  x \t ",
  "the empty text": "",
  "name of a property": "__proto__",
  "what looks like a number": "0012.50e3",
  "what looks like nothing": "NULL",
  "255 characters of four bytes": "\u{1F600}".repeat(255),
};

const everyField: Partial<Job> = {
  description: "what it is for",
  taskName: "http_request",
  paramsJson: '{"url":"http://localhost/"}',
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
  fence: 5,
  crashes: 2,
};

/** JSON texts, kept to the letter. As they may be huge, a test that fails does not show them. */
const jsonTexts: Readonly<Record<string, string>> = {
  "an empty object": "{}",
  "1 MiB of ASCII": JSON.stringify({ text: "x".repeat(2 ** 20) }),
  "1 MiB of two bytes each": JSON.stringify({ text: "\u00E9".repeat(2 ** 19) }),
  "1 MiB of quotes and backslashes": JSON.stringify({ text: `"\\'`.repeat(2 ** 18) }),
  "1 MiB of small values": JSON.stringify({ list: Array.from({ length: 150_000 }, (_, i) => i) }),
  "200 levels": `{"a":${"[".repeat(199)}${"]".repeat(199)}}`,
  "numbers that no double holds":
    '{"big":12345678901234567890,"exact":0.1000000000000000055511151231257827,"e":1E+400,"z":-0.0,' +
    '"half":1.50}',
  "odd spacing, order and doubled keys": '{ "b" : 1,"a":2 ,\n"b":3.10, "":\t{} }',
  "escapes where none is needed": '{"a":"\\u0041\\/\\u00e9\\ud83d\\ude00","lone":"\\ud800"}',
  "four bytes and NUL": JSON.stringify({ "\u{1F600}": "\u0000" }),
};

/** Declares the tests. */
export function testRoundTrips(test: TestRepository): void {
  test("insert keeps every field set and every field unset", async (repository) => {
    const jobs = [makeJob(everyField), makeJob()];
    await repository.insert(jobs);
    for (const job of jobs) assert.deepEqual(await repository.get(job.id), job);
    assert.deepEqual((await repository.list({ limit: 10 })).jobs, jobs.toReversed());
  });

  for (const [what, text] of Object.entries(hardTexts)) {
    test(`every text field keeps ${what}`, async (repository) => {
      const job = makeJob({
        name: text,
        description: text,
        taskName: text,
        paramsJson: JSON.stringify({ [text]: text }),
      });
      const edited = makeJob();
      await repository.insert([job, edited]);
      assert.deepEqual(await repository.get(job.id), job);
      const change = { kind: "edit", id: edited.id, name: text, description: text } as const;
      await repository.change([change], testNowMs);
      const expected = { ...edited, name: text, description: text };
      assert.deepEqual(await repository.get(edited.id), expected);
      const failure = { status: "FAILED", resultJson: undefined, failureReason: text } as const;
      const failed = await runJob(repository, job.id, failure);
      assert.equal(failed.failureReason, text);
      assert.deepEqual(await repository.get(job.id), failed);
      assert.equal((await repository.getResult(job.id))?.error, text);
      assert.deepEqual((await repository.list({ taskName: text, limit: 10 })).jobs, [failed]);
      assert.equal(await repository.get(text), null);
    });
  }

  test("list by text finds the texts that it keeps", async (repository) => {
    const texts = Object.values(hardTexts).filter((text) => text !== "");
    const jobs = texts.map((name) => makeJob({ name }));
    await repository.insert(jobs);
    for (const [i, text] of texts.entries()) {
      const { jobs: found } = await repository.list({ text, limit: 100 });
      assert.ok(found.some(({ id }) => id === jobs[i]!.id), JSON.stringify(text));
      for (const { name } of found) {
        assert.ok(name.toLowerCase().includes(text.toLowerCase()), JSON.stringify([text, name]));
      }
    }
  });

  for (const [what, json] of Object.entries(jsonTexts)) {
    test(`params and a result of ${what} keep their exact text`, async (repository) => {
      const job = makeJob({ paramsJson: json });
      await repository.insert([job]);
      await runJob(repository, job.id, { resultJson: json });
      assert.ok((await repository.get(job.id))?.paramsJson === json);
      assert.ok((await repository.getResult(job.id))?.metadataJson === json);
      const { jobs: [listed] } = await repository.list({ limit: 1 });
      assert.ok(listed?.paramsJson === json);
    });
  }

  test("a result may be any JSON", async (repository) => {
    for (const resultJson of ["null", '""', "0", "false", "[]", "1e5", '"\u{1F600}"']) {
      const job = makeJob();
      await repository.insert([job]);
      await runJob(repository, job.id, { resultJson });
      assert.equal((await repository.getResult(job.id))?.metadataJson, resultJson);
    }
  });

  test("descriptions and failure reasons of 70,000 characters stay whole", async (repository) => {
    const texts = ["x", "\u00E9", "\u{1F600}"].map((character) => character.repeat(70_000));
    for (const text of texts) {
      const job = makeJob({ description: text });
      await repository.insert([job]);
      assert.ok((await repository.get(job.id))?.description === text);
      const failure = { status: "FAILED", resultJson: undefined, failureReason: text } as const;
      await runJob(repository, job.id, failure);
      assert.ok((await repository.get(job.id))?.failureReason === text);
      assert.ok((await repository.getResult(job.id))?.error === text);
    }
  });

  test("an empty description is kept apart from none", async (repository) => {
    const jobs = [makeJob({ description: "" }), makeJob({ description: undefined })];
    await repository.insert(jobs);
    assert.equal((await repository.get(jobs[0]!.id))?.description, "");
    assert.equal((await repository.get(jobs[1]!.id))?.description, undefined);
  });

  test("times before 1970 and up to the year 9999 stay exact", async (repository) => {
    const times = [firstMs, -2_208_988_800_001, -1, 0, 1, testNowMs, 4_102_444_800_123, lastMs];
    const jobs = times.map((runAtMs) => makeJob({ runAtMs, createdAtMs: runAtMs }));
    await repository.insert(jobs.toReversed());
    for (const job of jobs) assert.deepEqual(await repository.get(job.id), job);
    const query = { state: "due", limit: 100 } as const;
    const { jobs: due } = await repository.find({ ...query, nowMs: lastMs });
    assert.deepEqual(due, jobs);
    const early = await repository.find({ ...query, nowMs: -1 });
    assert.deepEqual(early, { jobs: jobs.slice(0, 3), nextRunAtMs: 0 });
  });
}
