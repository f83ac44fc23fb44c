import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import type { Job } from "../../../src/jobs/job.ts";
import type { Repository } from "../../../src/jobs/repository.ts";
import { Rescuer } from "../../../src/engine/rescuer.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { claimJobs } from "../../testing/claim_jobs.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { makeJob, makeJobs, testNowMs } from "../../testing/make_job.ts";
import { replaceMethods } from "../../testing/replace_methods.ts";

const laterMs = testNowMs + 10_000;

/** A rescuer on memory drivers; `abandoned` are the jobs that the repository calls so. */
async function openRescuer(
  options: {
    readonly abandoned?: () => readonly Job[];
    readonly held?: readonly string[];
    readonly onFind?: () => void;
    readonly isShared?: boolean;
    readonly leaseMs?: number;
  } = {},
) {
  const stored = await openMemoryRepository();
  const queue = await openMemoryQueue({ capacity: 10_000 });
  const { abandoned, held = [], onFind, isShared = false, leaseMs = 3_000 } = options;
  const clock = new FakeClock(laterMs);
  const repository: Repository = replaceMethods(stored, {
    isShared,
    find(query) {
      onFind?.();
      return query.state === "abandoned" && abandoned !== undefined
        ? Promise.resolve({ jobs: abandoned(), nextRunAtMs: null })
        : stored.find(query);
    },
  });
  const holds = (jobId: string) => held.includes(jobId);
  return {
    rescuer: new Rescuer({ repository, queue, clock, leaseMs, maxCrashes: 2, holds }),
    clock,
    repository: stored,
    queue,
    async [Symbol.asyncDispose]() {
      await queue.close();
      await stored.close();
    },
  };
}

function idsOf(jobs: readonly Job[]): string[] {
  return jobs.map(({ id }) => id);
}

Deno.test("Rescuer.releaseAbandoned returns jobs that wait again and fails those that crashed too often", async () => {
  await using logs = new CapturedLogs();
  let abandoned: readonly Job[] = [];
  await using parts = await openRescuer({ abandoned: () => abandoned });
  const fresh = makeJob();
  const crashed = makeJob({ crashes: 1 });
  const scheduled = makeJob({ status: "SCHEDULED", runAtMs: testNowMs, scheduledAtMs: testNowMs });
  await parts.repository.insert([fresh, crashed, scheduled]);
  abandoned = await claimJobs(parts.repository, idsOf([fresh, crashed, scheduled]));
  const released = await parts.rescuer.releaseAbandoned(laterMs);
  assert.deepEqual(idsOf(released), idsOf([fresh, scheduled]));
  assert.deepEqual(released.map(({ status }) => status), ["PENDING", "SCHEDULED"]);
  assert.deepEqual(released.map(({ crashes }) => crashes), [1, 1]);
  const failed = await parts.repository.get(crashed.id);
  assert.equal(failed?.status, "FAILED");
  assert.match(failed.failureReason!, /crash 2 of the 2 that worker_pool.max_crashes allows/);
  assert.match((await parts.repository.getResult(crashed.id))!.error!, /died/);
  await logs.waitFor({ component: "rescuer", level: "warn", job_id: fresh.id, crashes: 1 });
  await logs.waitFor({ component: "rescuer", level: "error", job_id: crashed.id, crashes: 2 });
});

Deno.test("Rescuer.releaseAbandoned leaves what this node holds, and what another one was first to rescue", async () => {
  const jobs = makeJobs(2) as [Job, Job];
  let abandoned: readonly Job[] = [];
  await using parts = await openRescuer({ abandoned: () => abandoned, held: [jobs[0].id] });
  await parts.repository.insert(jobs);
  const claimed = await claimJobs(parts.repository, idsOf(jobs));
  abandoned = [claimed[0]!, { ...claimed[1]!, fence: 7 }];
  assert.deepEqual(await parts.rescuer.releaseAbandoned(laterMs), []);
  for (const job of jobs) {
    assert.equal((await parts.repository.get(job.id))?.status, "IN_PROGRESS");
  }
});

Deno.test("Rescuer.releaseAbandoned gives other nodes time to come back from an outage", async () => {
  let jobs: readonly Job[] = [];
  await using parts = await openRescuer({ abandoned: () => jobs, isShared: true });
  const { rescuer, repository, clock } = parts;
  await repository.insert(makeJobs(1));
  jobs = await claimJobs(repository, idsOf((await repository.list({ limit: 1 })).jobs));
  rescuer.noteOutage();
  assert.deepEqual(await rescuer.releaseAbandoned(clock.now()), []);
  clock.advance(2_999);
  assert.deepEqual(await rescuer.releaseAbandoned(clock.now()), []);
  clock.advance(1);
  assert.deepEqual(idsOf(await rescuer.releaseAbandoned(clock.now())), idsOf(jobs));
});

Deno.test("Rescuer.releaseAbandoned takes a store that was slow to answer for one that was away", async () => {
  let jobs: readonly Job[] = [];
  let answerMs = 1_001;
  await using parts = await openRescuer({
    abandoned: () => jobs,
    isShared: true,
    onFind: () => parts.clock.advance(answerMs),
  });
  const { rescuer, repository, clock } = parts;
  await repository.insert(makeJobs(1));
  jobs = await claimJobs(repository, idsOf((await repository.list({ limit: 1 })).jobs));
  assert.deepEqual(await rescuer.releaseAbandoned(clock.now()), []);
  answerMs = 1_000;
  clock.advance(2_000);
  assert.deepEqual(idsOf(await rescuer.releaseAbandoned(clock.now())), idsOf(jobs));
});

Deno.test("Rescuer.releaseAbandoned goes on where the store is slow, but no lease can have run out by that", async () => {
  let jobs: readonly Job[] = [];
  await using parts = await openRescuer({
    abandoned: () => jobs,
    isShared: true,
    leaseMs: 30_000,
    onFind: () => parts.clock.advance(10_000),
  });
  const { rescuer, repository, clock } = parts;
  await repository.insert(makeJobs(1));
  jobs = await claimJobs(repository, idsOf((await repository.list({ limit: 1 })).jobs));
  assert.deepEqual(idsOf(await rescuer.releaseAbandoned(clock.now())), idsOf(jobs));
});

Deno.test("Rescuer.releaseAbandoned waits for nobody where the store is this node's alone", async () => {
  let jobs: readonly Job[] = [];
  await using parts = await openRescuer({ abandoned: () => jobs });
  const { rescuer, repository, clock } = parts;
  await repository.insert(makeJobs(1));
  jobs = await claimJobs(repository, idsOf((await repository.list({ limit: 1 })).jobs));
  rescuer.noteOutage();
  assert.deepEqual(idsOf(await rescuer.releaseAbandoned(clock.now())), idsOf(jobs));
});

Deno.test("Rescuer.findUnpublished finds what waits and has no message, in order, in parts", async () => {
  await using parts = await openRescuer();
  const jobs = makeJobs(5);
  const deferred = makeJob({ runAtMs: laterMs * 2 });
  await parts.repository.insert([...jobs, deferred]);
  const first = await parts.rescuer.findUnpublished(laterMs, 3);
  assert.deepEqual(idsOf(first), idsOf(jobs.slice(0, 3)));
  await parts.queue.publish(first);
  const second = await parts.rescuer.findUnpublished(laterMs, 10);
  assert.deepEqual(idsOf(second), idsOf(jobs.slice(3)));
  await parts.queue.publish(second);
  assert.deepEqual(await parts.rescuer.findUnpublished(laterMs, 10), []);
});

Deno.test("Rescuer.findUnpublished never makes more messages than jobs, however often it is asked", async () => {
  await using parts = await openRescuer();
  const jobs = makeJobs(100);
  await parts.repository.insert(jobs);
  // Not in the order of the jobs, and some of them lost: which ones cannot be seen.
  await parts.queue.publish(jobs.slice(50));
  for (let pass = 0; pass < 10; pass++) {
    await parts.queue.publish(await parts.rescuer.findUnpublished(laterMs, 1_000));
  }
  assert.equal(await parts.queue.depth(), 100);
});

Deno.test("Rescuer.findUnpublished gives a job that has just been stored time to be published", async () => {
  await using parts = await openRescuer();
  assert.deepEqual(await parts.rescuer.findUnpublished(testNowMs - 1, 10), []);
  const job = makeJob();
  const scheduled = makeJob({
    status: "SCHEDULED",
    runAtMs: testNowMs,
    createdAtMs: testNowMs - 60_000,
    scheduledAtMs: testNowMs,
  });
  await parts.repository.insert([job, scheduled]);
  assert.deepEqual(await parts.rescuer.findUnpublished(testNowMs + 1_000, 10), []);
  const found = await parts.rescuer.findUnpublished(testNowMs + 2_001, 10);
  assert.deepEqual(idsOf(found), idsOf([job, scheduled]));
});

Deno.test("Rescuer.findUnpublished waits for nobody at the start: what was on its way then is lost", async () => {
  await using parts = await openRescuer();
  const job = makeJob();
  await parts.repository.insert([job]);
  assert.deepEqual(idsOf(await parts.rescuer.findUnpublished(testNowMs + 1, 10)), [job.id]);
});

Deno.test("Rescuer.findUnpublished does not look through jobs that are all on their way", async () => {
  let finds = 0;
  await using parts = await openRescuer({ onFind: () => finds++ });
  await parts.rescuer.findUnpublished(testNowMs - 1, 10);
  const stored = makeJobs(5_000);
  const burst = Array.from({ length: 5_000 }, () =>
    makeJob({
      status: "SCHEDULED",
      runAtMs: testNowMs,
      createdAtMs: testNowMs - 60_000,
      scheduledAtMs: testNowMs,
    }));
  await parts.repository.insert([...burst, ...stored]);
  await parts.queue.publish([...burst, ...stored].slice(1));
  assert.deepEqual(await parts.rescuer.findUnpublished(testNowMs + 1_000, 1_000), []);
  assert.ok(finds <= 20, `${finds} steps`);
});

Deno.test("Rescuer.findUnpublished finds what was stored before the clock was set back", async () => {
  await using parts = await openRescuer();
  const job = makeJob();
  await parts.repository.insert([job]);
  const found = await parts.rescuer.findUnpublished(testNowMs - 3_600_000, 10);
  assert.deepEqual(idsOf(found), [job.id]);
});
