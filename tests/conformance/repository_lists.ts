// Conformance of list, findDue and count: filters, order and pages that stay right under change.

import assert from "node:assert/strict";
import { type Job, jobStatuses } from "../../src/job.ts";
import { makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import { readPages } from "../testing/read_pages.ts";
import type { TestRepository } from "./repository.ts";

/** Declares the tests. */
export function testLists(test: TestRepository): void {
  test("list of nothing is one empty page", async (repository) => {
    assert.deepEqual(await repository.list({ limit: 10 }), { jobs: [], nextBeforeId: null });
  });

  test("list orders by id, newest first, in whatever order jobs arrived", async (repository) => {
    const jobs = makeJobs(30);
    for (const step of [7, 3, 0, 9, 1, 8, 2, 6, 4, 5]) {
      await repository.insert(jobs.filter((_, i) => i % 10 === step));
    }
    assert.deepEqual(await readPages(repository, { limit: 100 }), jobs.toReversed());
  });

  test("list gives every job once, whatever the limit of a page", async (repository) => {
    const jobs = makeJobs(25);
    await repository.insert(jobs);
    for (const limit of [1, 2, 7, 24, 25, 26, 1000]) {
      assert.deepEqual(await readPages(repository, { limit }), jobs.toReversed());
    }
  });

  test("list takes a beforeId that is not stored", async (repository) => {
    const jobs = makeJobs(5);
    await repository.insert(jobs.filter((_, i) => i !== 3));
    const query = { limit: 10, beforeId: jobs[3]!.id };
    assert.deepEqual(await readPages(repository, query), jobs.slice(0, 3).toReversed());
    const beforeAll = { limit: 10, beforeId: "00000000-0000-7000-8000-000000000000" };
    assert.deepEqual(await repository.list(beforeAll), { jobs: [], nextBeforeId: null });
  });

  test("list pages hold while jobs arrive and vanish", async (repository) => {
    const jobs = makeJobs(20);
    await repository.insert(jobs);
    const seen = await readPages(repository, { limit: 3 }, async () => {
      await repository.insert(makeJobs(2));
    });
    assert.deepEqual(seen, jobs.toReversed(), "jobs that arrived moved the pages");

    let oldest = 0;
    const rest = await readPages(repository, { limit: 4, beforeId: jobs[12]!.id }, async () => {
      await repository.delete(jobs[12 - oldest]!.id);
      await repository.delete(jobs[oldest++]!.id);
    });
    assert.deepEqual(rest, jobs.slice(2, 12).toReversed());
  });

  test("list by status follows every change of it", async (repository) => {
    const jobs = makeJobs(3);
    const ids = jobs.map((job) => job.id).toReversed();
    await repository.insert(jobs);
    const idsOf = async (status: Job["status"]) =>
      (await readPages(repository, { status, limit: 10 })).map((job) => job.id);
    assert.deepEqual(await idsOf("PENDING"), ids);
    const claims = ids.map((id) => ({ kind: "claim", id } as const));
    await repository.change(claims, testNowMs);
    assert.deepEqual(await idsOf("PENDING"), []);
    assert.deepEqual(await idsOf("IN_PROGRESS"), ids);
    await repository.change(
      ids.map((id) => ({ kind: "give_back", id, attempt: 1, wasStarted: true })),
      testNowMs,
    );
    assert.deepEqual(await idsOf("PENDING"), ids);
    assert.deepEqual(await idsOf("IN_PROGRESS"), []);
    assert.deepEqual(await idsOf("COMPLETED"), []);
  });

  test("list by status finds jobs inserted in each", async (repository) => {
    const jobs = jobStatuses.map((status) => makeJob({ status }));
    await repository.insert(jobs);
    for (const job of jobs) {
      const found = await readPages(repository, { status: job.status, limit: 10 });
      assert.deepEqual(found, [job]);
    }
  });

  test("list by task finds that exact name alone", async (repository) => {
    const names = ["report", "Report", "report_2", "repor_", "repor%", "constructor"];
    const jobs = names.map((taskName) => makeJob({ taskName }));
    await repository.insert(jobs);
    for (const job of jobs) {
      assert.deepEqual(await readPages(repository, { taskName: job.taskName, limit: 10 }), [job]);
    }
    for (const taskName of ["none", "__proto__", "' OR '1'='1"]) {
      assert.deepEqual(await readPages(repository, { taskName, limit: 10 }), []);
    }
  });

  test("list by text looks in name and description, whatever the case", async (repository) => {
    const inName = makeJob({ name: "Nightly EXPORT of orders" });
    const inDescription = makeJob({ description: "an export" });
    const neither = makeJob({ taskName: "export", paramsJson: '{"a":"export"}' });
    await repository.insert([inName, inDescription, neither]);
    for (const text of ["export", "EXPORT", "xPoRt"]) {
      const found = await readPages(repository, { text, limit: 10 });
      assert.deepEqual(found, [inDescription, inName]);
    }
    assert.deepEqual(await readPages(repository, { text: "imports", limit: 10 }), []);
  });

  test("list by text takes every character for itself", async (repository) => {
    const texts = ["100% sure", "under_score", "back\\slash", "it's", "[abc]", "\u{1F600} smile"];
    const jobs = texts.map((name) => makeJob({ name }));
    await repository.insert([makeJob({ name: "100 surely underXscore abc" }), ...jobs]);
    for (const [i, text] of ["0% s", "r_s", "k\\s", "t's", "[abc]", "\u{1F600}"].entries()) {
      assert.deepEqual(await readPages(repository, { text, limit: 10 }), [jobs[i]], text);
    }
  });

  test("list by text finds what update wrote", async (repository) => {
    const job = makeJob({ name: "before" });
    await repository.insert([job]);
    await repository.update(job.id, { name: "after" });
    assert.deepEqual(await readPages(repository, { text: "before", limit: 10 }), []);
    assert.equal((await readPages(repository, { text: "after", limit: 10 })).length, 1);
  });

  test("list takes all filters together, over all pages", async (repository) => {
    const jobs = Array.from({ length: 60 }, (_, i) =>
      makeJob({
        name: i % 2 === 0 ? "even" : "odd",
        taskName: i % 3 === 0 ? "third" : "other",
        status: i % 5 === 0 ? "FAILED" : "COMPLETED",
      }));
    await repository.insert(jobs);
    const expected = jobs.filter((_, i) => i % 6 === 0 && i % 5 !== 0).toReversed();
    const query = { text: "EVEN", taskName: "third", status: "COMPLETED", limit: 3 } as const;
    assert.deepEqual(await readPages(repository, query), expected);
  });

  test("findDue gives due PENDING jobs, earliest first, and the next time", async (repository) => {
    const [late, early, future, untimed] = [
      makeJob({ runAtMs: testNowMs }),
      makeJob({ runAtMs: testNowMs - 10_000 }),
      makeJob({ runAtMs: testNowMs + 1 }),
      makeJob(),
    ] as const;
    const others = jobStatuses.filter((status) => status !== "PENDING")
      .map((status) => makeJob({ status, runAtMs: testNowMs - 5 }));
    await repository.insert([late, early, future, untimed, ...others]);
    const due = { jobs: [early, late], nextRunAtMs: testNowMs + 1 };
    assert.deepEqual(await repository.findDue(testNowMs, 10), due);
    assert.deepEqual(await repository.findDue(testNowMs, 10), due, "it changed something");
  });

  test("findDue orders jobs of the same time by id", async (repository) => {
    const jobs = makeJobs(5, { runAtMs: testNowMs });
    await repository.insert(jobs.toReversed());
    assert.deepEqual((await repository.findDue(testNowMs, 10)).jobs, jobs);
  });

  test("findDue gives at most its limit, and then a next time that is due", async (repository) => {
    const jobs = [3, 2, 1].map((n) => makeJob({ runAtMs: testNowMs - n }));
    await repository.insert(jobs);
    const { jobs: found, nextRunAtMs } = await repository.findDue(testNowMs, 2);
    assert.deepEqual(found, jobs.slice(0, 2));
    assert.equal(nextRunAtMs, testNowMs - 1);
  });

  test("findDue with nothing due gives the earliest time, null without any", async (repository) => {
    assert.deepEqual(await repository.findDue(testNowMs, 10), { jobs: [], nextRunAtMs: null });
    const lastMs = 253_402_300_799_999;
    await repository.insert([makeJob({ runAtMs: lastMs })]);
    assert.deepEqual(await repository.findDue(testNowMs, 10), { jobs: [], nextRunAtMs: lastMs });
    await repository.insert([makeJob({ runAtMs: lastMs - 1 })]);
    assert.equal((await repository.findDue(testNowMs, 10)).nextRunAtMs, lastMs - 1);
    assert.equal((await repository.findDue(lastMs, 10)).jobs.length, 2);
  });

  test("findDue forgets jobs that were scheduled or deleted", async (repository) => {
    const jobs = makeJobs(4, { runAtMs: testNowMs });
    await repository.insert(jobs);
    await repository.change([{ kind: "schedule", id: jobs[0]!.id }], testNowMs);
    await repository.delete(jobs[2]!.id);
    assert.deepEqual((await repository.findDue(testNowMs, 10)).jobs, [jobs[1], jobs[3]]);
  });

  test("count follows insert, change and delete", async (repository) => {
    const zero = { PENDING: 0, SCHEDULED: 0, IN_PROGRESS: 0, COMPLETED: 0, FAILED: 0 };
    assert.deepEqual({ ...await repository.count() }, zero);
    const [a, b] = [makeJob(), makeJob({ runAtMs: testNowMs })];
    await repository.insert([a, b]);
    assert.deepEqual({ ...await repository.count() }, { ...zero, PENDING: 2 });
    await repository.change(
      [{ kind: "claim", id: a.id }, { kind: "schedule", id: b.id }],
      testNowMs,
    );
    assert.deepEqual({ ...await repository.count() }, { ...zero, IN_PROGRESS: 1, SCHEDULED: 1 });
    await repository.delete(a.id);
    assert.deepEqual({ ...await repository.count() }, { ...zero, SCHEDULED: 1 });
  });
}
