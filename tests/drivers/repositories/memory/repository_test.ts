import assert from "node:assert/strict";
import { openMemoryRepository } from "../../../../drivers/repositories/memory/repository.ts";
import { isWaiting, type Job } from "../../../../src/jobs/job.ts";
import { configureLogging, flushLogs } from "../../../../src/log/log.ts";
import type { Repository } from "../../../../src/jobs/repository.ts";
import { repositoryConformance } from "../../../conformance/repository.ts";
import { claimJobs } from "../../../testing/claim_jobs.ts";
import { makeClaim, makeFinish, makeJob, makeJobs, testNowMs } from "../../../testing/make_job.ts";
import { readPages } from "../../../testing/read_pages.ts";

repositoryConformance({ name: "memory", open: () => openMemoryRepository(), modelRuns: 300 });

/** A tenth of a MiB and a little. */
const largeText = JSON.stringify({ text: "x".repeat(105_000) });

async function finish(repository: Repository, jobs: readonly Job[], resultJson = "1") {
  const held = await claimJobs(repository, jobs.map((job) => job.id));
  for (const [i, job] of held.entries()) {
    const outcome = { resultJson, startedAtMs: testNowMs + i };
    await repository.change([makeFinish(job, outcome)], testNowMs);
  }
}

Deno.test("memory repository: forgets what finished first above its limit", async () => {
  const repository = await openMemoryRepository({ maxMemoryMb: 1 });
  const [first, second, third, waiting] = makeJobs(4, { paramsJson: largeText }) as [
    Job,
    Job,
    Job,
    Job,
  ];
  await repository.insert([first, second, third, waiting]);
  await finish(repository, [second, first, third]);
  await repository.insert(makeJobs(6, { paramsJson: largeText }));
  assert.equal(await repository.get(second.id), null);
  assert.equal(await repository.getResult(second.id), null);
  assert.ok(await repository.get(first.id));
  assert.ok(await repository.get(waiting.id));
  await repository.insert([makeJob({ paramsJson: largeText })]);
  assert.equal(await repository.get(first.id), null);
  assert.ok(await repository.getResult(third.id));
  const { byStatus, waiting: waitingCount } = await repository.count();
  assert.deepEqual([byStatus.PENDING, byStatus.COMPLETED, waitingCount], [8, 1, 8]);
  await repository.close();
});

Deno.test("memory repository: results count towards its limit, until they are deleted", async () => {
  const repository = await openMemoryRepository({ maxMemoryMb: 1 });
  const jobs = makeJobs(10);
  await repository.insert(jobs);
  for (const job of jobs) {
    await finish(repository, [job], largeText);
    await repository.deleteResult(job.id);
  }
  assert.equal((await repository.count()).byStatus.COMPLETED, 10);
  const more = makeJobs(10);
  await repository.insert(more);
  await finish(repository, more, largeText);
  assert.ok((await repository.count()).byStatus.COMPLETED < 20);
  assert.ok(await repository.getResult(more[9]!.id));
  await repository.close();
});

Deno.test("memory repository: longer names and descriptions count towards its limit", async () => {
  const repository = await openMemoryRepository({ maxMemoryMb: 1 });
  const jobs = makeJobs(2);
  await repository.insert(jobs);
  await finish(repository, [jobs[0]!]);
  const edit = { kind: "edit", id: jobs[1]!.id, description: "x".repeat(2 ** 20) } as const;
  await repository.change([edit], testNowMs);
  assert.equal(await repository.get(jobs[0]!.id), null);
  assert.ok(await repository.get(jobs[1]!.id));
  await repository.close();
});

Deno.test("memory repository: refuses jobs while nothing in it has finished", async () => {
  const repository = await openMemoryRepository({ maxMemoryMb: 1 });
  const jobs = makeJobs(9, { paramsJson: largeText });
  await repository.insert(jobs);
  const next = makeJob({ paramsJson: largeText });
  await assert.rejects(repository.insert([makeJob(), next]), {
    name: "ValetError",
    code: "unavailable",
    message: "Cannot store the job: the memory repository is full, its 1 MiB are taken by jobs " +
      "that have not finished; try again later, raise repository.memory.max_memory_mb, or use " +
      "another repository.option",
  });
  assert.equal((await repository.count()).byStatus.PENDING, 9);
  await finish(repository, [jobs[0]!]);
  await repository.insert([next]);
  assert.equal(await repository.get(jobs[0]!.id), null);
  assert.ok(await repository.get(next.id));
  await repository.close();
});

Deno.test("memory repository: stays bounded while jobs run for ever", async () => {
  const repository = await openMemoryRepository({ maxMemoryMb: 1 });
  for (let i = 0; i < 40; i++) {
    const jobs = makeJobs(100);
    await repository.insert(jobs);
    await finish(repository, jobs);
  }
  const { COMPLETED, ...others } = (await repository.count()).byStatus;
  assert.ok(COMPLETED > 1000 && COMPLETED < 2000, `${COMPLETED} jobs in 1 MiB`);
  assert.ok(Object.values(others).every((count) => count === 0));
  await repository.close();
});

Deno.test("memory repository: what is larger than all of it is too_large, and harms nothing", async () => {
  const repository = await openMemoryRepository({ maxMemoryMb: 1 });
  const [job, other] = makeJobs(2) as [Job, Job];
  await repository.insert([job, other]);
  const sizes = { code: "too_large", message: /it takes \d{7} bytes; .* holds 1048576 / };
  const text = JSON.stringify("x".repeat(1_100_000));
  await assert.rejects(repository.insert([makeJob({ paramsJson: text })]), sizes);
  const held = await claimJobs(repository, [job.id, other.id]);
  const finishes = [makeFinish(held[0]!), makeFinish(held[1]!, { resultJson: text })];
  await assert.rejects(repository.change(finishes, testNowMs), sizes);
  assert.equal((await repository.count()).byStatus.IN_PROGRESS, 2);
  await repository.close();
});

Deno.test("memory repository: says once that it begins to forget", async () => {
  let lines = "";
  const write = (bytes: Uint8Array) => void (lines += new TextDecoder().decode(bytes));
  configureLogging({ format: "json", level: "info", write });
  const repository = await openMemoryRepository({ maxMemoryMb: 1 });
  for (let i = 0; i < 20; i++) {
    const job = makeJob({ paramsJson: largeText });
    await repository.insert([job]);
    await finish(repository, [job]);
  }
  await flushLogs();
  const records = lines.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(records.map(({ level, max_memory_mb }) => [level, max_memory_mb]), [[
    "warn",
    1,
  ]]);
  await repository.close();
  // The other tests forget jobs as well, and must not leave a line that waits to be written.
  configureLogging({ format: "json", level: "error" });
});

Deno.test("memory repository: list knows its last page, whatever else is stored", async () => {
  const repository = await openMemoryRepository();
  const jobs = [makeJob({ name: "other" }), ...makeJobs(2), makeJob({ name: "other" })];
  await repository.insert(jobs);
  const page = await repository.list({ text: "a job", limit: 2 });
  assert.deepEqual(page, { jobs: [jobs[2], jobs[1]], nextBeforeId: null });
  await repository.close();
});

Deno.test("memory repository: indexes hold with 50,000 jobs that change at random", async () => {
  const repository = await openMemoryRepository();
  const jobs = Array.from({ length: 50_000 }, (_, i) =>
    makeJob({
      taskName: `task ${i % 3}`,
      runAtMs: i % 10 === 0 ? testNowMs + (i * 7919) % 5000 : undefined,
    }));
  await repository.insert(jobs);
  // A fixed walk over all jobs, far from their order.
  for (let i = 0; i < jobs.length; i++) {
    const { id } = jobs[(i * 17_001) % jobs.length]!;
    const [held] = i % 2 === 0 ? await repository.change([makeClaim(id)], testNowMs) : [];
    if (i % 4 === 0 && held) await repository.change([makeFinish(held)], testNowMs);
    if (i % 16 === 1) await repository.delete(id);
  }
  const stored = (await Promise.all(jobs.map((job) => repository.get(job.id))))
    .filter((job) => job !== null).toReversed();
  assert.deepEqual(await readIds(repository, {}), stored.map((job) => job.id));
  for (const status of ["PENDING", "IN_PROGRESS", "COMPLETED"] as const) {
    const expected = stored.filter((job) => job.status === status).map((job) => job.id);
    assert.equal((await repository.count()).byStatus[status], expected.length);
    assert.deepEqual(await readIds(repository, { status }), expected);
    const ofTask = stored.filter((job) => job.status === status && job.taskName === "task 1");
    const query = { status, taskName: "task 1" };
    assert.deepEqual(await readIds(repository, query), ofTask.map((job) => job.id));
  }
  const deferred = stored.filter((job) => job.status === "PENDING" && job.runAtMs !== undefined);
  const query = { nowMs: testNowMs + 5000, limit: jobs.length };
  const { jobs: due } = await repository.find({ ...query, state: "due" });
  const times = deferred.map((job) => job.runAtMs!).sort((a, b) => a - b);
  assert.deepEqual(due.map((job) => job.runAtMs), times);
  const waiting = stored.filter(isWaiting).toReversed();
  assert.equal((await repository.count()).waiting, waiting.length);
  assert.deepEqual((await repository.find({ ...query, state: "waiting" })).jobs, waiting);
  const afterId = waiting[17_000]!.id;
  const rest = await repository.find({ ...query, state: "waiting", afterId });
  assert.deepEqual(rest.jobs, waiting.slice(17_001));
  await repository.close();
});

async function readIds(repository: Repository, query: object): Promise<string[]> {
  return (await readPages(repository, { limit: 1000, ...query })).map((job) => job.id);
}

for (const maxMemoryMb of [0, -1, 1.5, "1024", NaN, {}]) {
  Deno.test(`openMemoryRepository: refuses maxMemoryMb ${JSON.stringify(maxMemoryMb)}`, async () => {
    await assert.rejects(openMemoryRepository({ maxMemoryMb }), {
      code: "invalid_config",
      message:
        `Cannot open the memory repository: maxMemoryMb is ${JSON.stringify(maxMemoryMb)}; ` +
        "a whole number from 1 is allowed",
    });
  });
}
