// Conformance of list: filters, order and pages that stay right under change.

import assert from "node:assert/strict";
import { type Job, jobStatuses } from "../../src/jobs/job.ts";
import { claimJobs } from "../testing/claim_jobs.ts";
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
    const held = await claimJobs(repository, ids);
    assert.deepEqual(await idsOf("PENDING"), []);
    assert.deepEqual(await idsOf("IN_PROGRESS"), ids);
    await repository.change(
      held.map((held) => ({ kind: "give_back", held, wasStarted: true })),
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
    const names = ["report", "Report", "report_2", "repor_", "repor%", "report ", "constructor"];
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

  test("list by text knows the case of letters beyond ASCII, and their accents", async (repository) => {
    const job = makeJob({ name: "\u00C4rger in M\u00DCNCHEN" });
    await repository.insert([job]);
    for (const text of ["\u00E4RGER", "m\u00FCnchen"]) {
      assert.deepEqual(await readPages(repository, { text, limit: 10 }), [job], text);
    }
    for (const text of ["arger", "munchen", "aerger"]) {
      assert.deepEqual(await readPages(repository, { text, limit: 10 }), [], text);
    }
  });

  test("list by status and by task keep their pages while more is stored", async (repository) => {
    const jobs = Array.from({ length: 40 }, (_, i) =>
      makeJob({
        runAtMs: i % 3 === 0 ? testNowMs + i : undefined,
        taskName: i % 2 === 0 ? "even" : "odd",
      }));
    await repository.insert(jobs);
    await claimJobs(repository, jobs.filter((_, i) => i % 3 === 1).map((job) => job.id));
    const pending = jobs.filter((_, i) => i % 3 !== 1);
    for (const limit of [1, 3, 100]) {
      const query = { status: "PENDING", limit } as const;
      assert.deepEqual(await readPages(repository, query), pending.toReversed());
      const beforeId = jobs[20]!.id;
      const older = pending.filter((job) => job.id < beforeId).toReversed();
      assert.deepEqual(await readPages(repository, { ...query, beforeId }), older);
      const odd = pending.filter((job) => job.taskName === "odd").toReversed();
      assert.deepEqual(await readPages(repository, { ...query, taskName: "odd" }), odd);
    }
  });

  test("list by text finds what edit wrote", async (repository) => {
    const job = makeJob({ name: "before" });
    await repository.insert([job]);
    await repository.change([{ kind: "edit", id: job.id, name: "after" }], testNowMs);
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

  test("list by text finds a part that begins and ends anywhere in a long text", async (repository) => {
    const filler = "lorem ipsum ".repeat(4_000);
    const job = makeJob({
      description: `${filler}Kiki \u212Aelvin \u0130\u{1F600}%_\\ \u03A3${filler}`,
    });
    await repository.insert([makeJob({ description: filler }), job]);
    const parts = ["kiki", "kelvin", "elvin", "i\u0307", "\u{1F600}%_\\", "n i", "\u03C3", "m Kik"];
    for (const text of parts) {
      assert.deepEqual(await readPages(repository, { text, limit: 10 }), [job], text);
    }
    for (const text of ["kikis", "kalvin", "\u{1F600}%__", "m  kik"]) {
      assert.deepEqual(await readPages(repository, { text, limit: 10 }), [], text);
    }
    assert.deepEqual(await readPages(repository, { text: "x".repeat(60_000), limit: 10 }), []);
  });
}

/** Declares the tests of how much a list may do at once. */
export function testListBounds(test: TestRepository): void {
  test("list with maxMs looks at one job at least, and goes on where it ended", async (repository) => {
    const needle = makeJob({ name: "the needle" });
    await repository.insert([needle, ...makeJobs(600)]);
    const query = { text: "needle", limit: 10, maxMs: 0 };
    const first = await repository.list(query);
    assert.deepEqual(first.jobs, []);
    assert.notEqual(first.nextBeforeId, null);
    assert.deepEqual(await readPages(repository, query), [needle]);
    const { jobs } = await repository.list({ ...query, maxMs: undefined });
    assert.deepEqual(jobs, [needle], "without a bound the search did not reach the match");
  });

  test("list ends a page where its jobs are large, and the next one goes on", async (repository) => {
    const description = "x".repeat(60_000);
    const paramsJson = JSON.stringify("x".repeat(1_000_000));
    const jobs = makeJobs(20, { paramsJson, description });
    for (const job of jobs) await repository.insert([job]);
    for (const query of [{ limit: 1000 }, { limit: 1000, text: "A JOB" }]) {
      const page = await repository.list(query);
      assert.equal(page.jobs.length, 4, "a page has 4 MiB and the rest of one job");
      assert.equal(page.nextBeforeId, page.jobs.at(-1)!.id);
      assert.deepEqual(await readPages(repository, query), jobs.toReversed());
    }
  });

  test("list lets others run in between, however many there are at once", async (repository) => {
    const jobs = makeJobs(400, { description: "x".repeat(65_000) });
    for (let i = 0; i < jobs.length; i += 50) await repository.insert(jobs.slice(i, i + 50));
    let turnCount = 0;
    const count = () => {
      turnCount += 1;
      timer = setTimeout(count);
    };
    let timer = setTimeout(count);
    const searches = Array.from({ length: 20 }, () => repository.list({ text: "y", limit: 10 }));
    for (const page of await Promise.all(searches)) {
      assert.deepEqual(page, { jobs: [], nextBeforeId: null });
    }
    clearTimeout(timer);
    // Without slices it is one or two; a machine that is much faster has fewer of them, too.
    assert.ok(turnCount >= 5, `${turnCount} turns`);
  });
}
