import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import { ValetError } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { flushLogs } from "../../../src/log/log.ts";
import type { Queue } from "../../../src/jobs/queue.ts";
import type { Repository } from "../../../src/jobs/repository.ts";
import { Scheduler } from "../../../src/engine/scheduler.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { claimJobs } from "../../testing/claim_jobs.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { makeJob, makeJobs, testNowMs } from "../../testing/make_job.ts";
import { replaceMethods } from "../../testing/replace_methods.ts";
import { takeDeliveries } from "../../testing/take_deliveries.ts";

const pollingIntervalMs = 60_000;
const farFutureMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** A scheduler on memory drivers and a clock that the test moves. */
async function openScheduler(
  options: {
    readonly capacity?: number;
    readonly change?: (repository: Repository) => Partial<Repository>;
  } = {},
) {
  const queue = await openMemoryQueue({ capacity: options.capacity ?? 10_000 });
  const stored = await openMemoryRepository();
  const repository = replaceMethods(stored, options.change?.(stored) ?? {});
  const clock = new FakeClock(testNowMs);
  const scheduler = new Scheduler({
    repository,
    queue,
    clock,
    pollingIntervalMs,
    leaseMs: 3_000,
    maxCrashes: 3,
    holds: () => false,
  });
  return {
    scheduler,
    repository: stored,
    queue,
    clock,
    async [Symbol.asyncDispose]() {
      await scheduler.stop();
      await queue.close();
      await stored.close();
      await flushLogs();
    },
  };
}

/** Jobs for these times, relative to the time of the test. */
function makeTimedJobs(...offsetsMs: number[]): Job[] {
  return offsetsMs.map((offsetMs) => makeJob({ runAtMs: testNowMs + offsetMs }));
}

async function takeIds(queue: Queue, count: number): Promise<string[]> {
  return (await takeDeliveries(queue, count)).map(({ job }) => job.id);
}

function idsOf(jobs: readonly Job[]): string[] {
  return jobs.map(({ id }) => id);
}

Deno.test("Scheduler.tick publishes what is due, the earliest first, and nothing early", async () => {
  await using parts = await openScheduler();
  const [late, early, future, now] = makeTimedJobs(-1, -1_000, 1, 0) as [Job, Job, Job, Job];
  await parts.repository.insert([late, early, future, now]);
  assert.equal(await parts.scheduler.tick(testNowMs), testNowMs + 1);
  const deliveries = await takeDeliveries(parts.queue, 3);
  assert.deepEqual(idsOf(deliveries.map(({ job }) => job)), idsOf([early, late, now]));
  for (const { job } of deliveries) {
    assert.equal(job.status, "SCHEDULED");
    assert.equal(job.scheduledAtMs, testNowMs);
    assert.deepEqual(await parts.repository.get(job.id), job);
  }
  assert.deepEqual(await parts.repository.get(future.id), future);
  assert.equal(await parts.scheduler.tick(testNowMs + 1), null);
  assert.deepEqual(await takeIds(parts.queue, 1), [future.id]);
});

Deno.test("Scheduler.tick leaves jobs without a time alone", async () => {
  await using parts = await openScheduler();
  await parts.repository.insert([makeJob()]);
  assert.equal(await parts.scheduler.tick(testNowMs), null);
  assert.equal(parts.queue.room(), 10_000);
});

Deno.test("Scheduler.tick publishes 10,000 jobs for the same moment, each once", async () => {
  await using parts = await openScheduler();
  const jobs = makeTimedJobs(...new Array<number>(10_000).fill(0));
  await parts.repository.insert(jobs);
  assert.equal(await parts.scheduler.tick(testNowMs), null);
  assert.deepEqual(await takeIds(parts.queue, jobs.length), idsOf(jobs));
});

Deno.test("Scheduler.tick takes no more than the queue has room for, and the rest later", async () => {
  await using parts = await openScheduler({ capacity: 3 });
  const jobs = makeTimedJobs(-5, -4, -3, -2, -1);
  await parts.repository.insert(jobs);
  assert.equal(await parts.scheduler.tick(testNowMs), testNowMs - 2);
  assert.equal((await parts.repository.get(jobs[3]!.id))?.status, "PENDING");
  assert.deepEqual(await takeIds(parts.queue, 3), idsOf(jobs.slice(0, 3)));
  assert.equal(await parts.scheduler.tick(testNowMs), null);
  assert.deepEqual(await takeIds(parts.queue, 2), idsOf(jobs.slice(3)));
});

Deno.test("Scheduler.tick publishes later what others took the room of", async () => {
  const foreign = makeJob();
  let isTaken = false;
  await using parts = await openScheduler({
    capacity: 2,
    change: (stored) => ({
      async change(changes, nowMs) {
        // Between the look at the room and the publishing, a client's job takes a place.
        if (!isTaken) await parts.queue.publish([foreign]);
        isTaken = true;
        return await stored.change(changes, nowMs);
      },
    }),
  });
  const jobs = makeTimedJobs(-2, -1);
  await parts.repository.insert(jobs);
  await parts.scheduler.tick(testNowMs);
  assert.deepEqual(await takeIds(parts.queue, 2), idsOf([foreign, jobs[0]!]));
  await parts.scheduler.tick(testNowMs);
  assert.deepEqual(await takeIds(parts.queue, 1), idsOf([jobs[1]!]));
});

Deno.test("Scheduler.tick publishes later what the queue refused", async () => {
  await using parts = await openScheduler();
  const [job] = makeTimedJobs(-1) as [Job];
  await parts.repository.insert([job]);
  const { publish } = parts.queue;
  parts.queue.publish = () => Promise.reject(new ValetError("unavailable", "Cannot publish"));
  await assert.rejects(parts.scheduler.tick(testNowMs), { code: "unavailable" });
  parts.queue.publish = publish;
  assert.equal(await parts.scheduler.tick(testNowMs), null);
  assert.deepEqual(await takeIds(parts.queue, 1), [job.id]);
});

Deno.test("Scheduler.tick publishes only those that another node was not first to schedule", async () => {
  const [lost, won] = makeTimedJobs(-2, -1) as [Job, Job];
  await using parts = await openScheduler({
    change: (stored) => ({
      async change(changes, nowMs) {
        await stored.delete(lost.id);
        return await stored.change(changes, nowMs);
      },
    }),
  });
  await parts.repository.insert([lost, won]);
  assert.equal(await parts.scheduler.tick(testNowMs), null);
  assert.deepEqual(await takeIds(parts.queue, 1), [won.id]);
});

Deno.test("Scheduler sleeps until the next job is due and publishes it then", async () => {
  await using parts = await openScheduler();
  const [first, second] = makeTimedJobs(5_000, 7_000) as [Job, Job];
  await parts.repository.insert([first, second]);
  parts.scheduler.start();
  assert.equal(await parts.clock.asleep(), 5_000);
  assert.equal(parts.scheduler.nextRunAtMs, first.runAtMs);
  parts.clock.advance(5_000);
  assert.deepEqual(await takeIds(parts.queue, 1), [first.id]);
  assert.equal(await parts.clock.asleep(), 2_000);
  parts.clock.advance(2_000);
  assert.deepEqual(await takeIds(parts.queue, 1), [second.id]);
  assert.equal(await parts.clock.asleep(), pollingIntervalMs);
  assert.equal(parts.scheduler.nextRunAtMs, null);
});

Deno.test("Scheduler looks again after the polling interval: other nodes may have stored jobs", async () => {
  await using parts = await openScheduler();
  parts.scheduler.start();
  assert.equal(await parts.clock.asleep(), pollingIntervalMs);
  const [job] = makeTimedJobs(1) as [Job];
  await parts.repository.insert([job]);
  parts.clock.advance(pollingIntervalMs);
  assert.deepEqual(await takeIds(parts.queue, 1), [job.id]);
});

Deno.test("Scheduler looks for lost jobs every second where jobs outlive their node", async () => {
  await using parts = await openScheduler({ change: () => ({ isDurable: true }) });
  parts.scheduler.start();
  assert.equal(await parts.clock.asleep(), 1_000);
  const job = makeJob();
  await parts.repository.insert([job]);
  parts.clock.advance(1_000);
  await parts.clock.asleep();
  // Until then it may be on its way.
  parts.clock.advance(2_000);
  assert.deepEqual(await takeIds(parts.queue, 1), [job.id]);
});

Deno.test("Scheduler waits in pieces for a date in the year 9999", async () => {
  await using parts = await openScheduler();
  await parts.repository.insert([makeJob({ runAtMs: farFutureMs })]);
  parts.scheduler.start();
  assert.equal(await parts.clock.asleep(), pollingIntervalMs);
  assert.equal(parts.scheduler.nextRunAtMs, farFutureMs);
  parts.clock.advance(farFutureMs - parts.clock.now() - 5);
  // The pass that this causes finds the job five milliseconds early, and leaves it.
  assert.equal(await parts.clock.asleep(), 5);
  assert.equal(parts.queue.room(), 10_000);
  parts.clock.advance(5);
  assert.equal((await takeDeliveries(parts.queue, 1))[0]?.job.runAtMs, farFutureMs);
});

Deno.test("Scheduler.wakeAt brings the next pass forward, and never puts it off", async () => {
  await using parts = await openScheduler();
  await parts.repository.insert(makeTimedJobs(50_000));
  parts.scheduler.start();
  assert.equal(await parts.clock.asleep(), 50_000);
  const [soon, later] = makeTimedJobs(1_000, 55_000) as [Job, Job];
  await parts.repository.insert([later]);
  parts.scheduler.wakeAt(later.runAtMs!);
  assert.equal(await parts.clock.asleep(), 50_000);
  await parts.repository.insert([soon]);
  parts.scheduler.wakeAt(soon.runAtMs!);
  assert.equal(parts.scheduler.nextRunAtMs, soon.runAtMs);
  assert.equal(await parts.clock.asleep(), 1_000);
  parts.clock.advance(1_000);
  assert.deepEqual(await takeIds(parts.queue, 1), [soon.id]);
});

Deno.test("Scheduler.wakeAt is heard also during a pass that does not see the job", async () => {
  const [job] = makeTimedJobs(1_000) as [Job];
  await using parts = await openScheduler({
    change: (stored) => ({
      async find(query) {
        const due = await stored.find(query);
        if (query.state === "due" && await stored.get(job.id) === null) {
          await stored.insert([job]);
          parts.scheduler.wakeAt(job.runAtMs!);
        }
        return due;
      },
    }),
  });
  parts.scheduler.start();
  assert.equal(await parts.clock.asleep(), 1_000);
  assert.equal(parts.scheduler.nextRunAtMs, job.runAtMs);
});

Deno.test("Scheduler publishes all in the end to a queue that takes the beginning of a batch only", async () => {
  await using parts = await openScheduler();
  const publish = parts.queue.publish.bind(parts.queue);
  parts.queue.publish = async (jobs) => {
    await publish(jobs.slice(0, 3));
    if (jobs.length > 3) throw new ValetError("queue_full", "no more for now");
  };
  const jobs = makeTimedJobs(...Array.from({ length: 40 }, (_, i) => i - 50));
  await parts.repository.insert(jobs);
  await parts.scheduler.tick(testNowMs);
  const published = new Set(await takeIds(parts.queue, await parts.queue.depth()));
  assert.deepEqual([...published].sort(), idsOf(jobs).sort());
});

Deno.test("Scheduler goes on as soon as the queue has room again", async () => {
  await using parts = await openScheduler({ capacity: 2 });
  const jobs = makeTimedJobs(-5, -4, -3, -2, -1);
  await parts.repository.insert(jobs);
  parts.scheduler.start();
  assert.equal(await parts.clock.asleep(), pollingIntervalMs, "it waits for room, not for time");
  assert.deepEqual(await takeIds(parts.queue, 5), idsOf(jobs));
});

Deno.test("Scheduler publishes at once what found no room, if the room came during the pass", async () => {
  const foreign = makeJob();
  let step = 0;
  await using parts = await openScheduler({
    capacity: 1,
    change: (stored) => ({
      async change(changes, nowMs) {
        if (step++ === 0) await parts.queue.publish([foreign]);
        return await stored.change(changes, nowMs);
      },
      async find(query) {
        // The queue is emptied behind the back of the pass that has just found it full.
        if (step === 1) assert.deepEqual(await takeIds(parts.queue, 1), [foreign.id]);
        if (step === 1) step = 2;
        return await stored.find(query);
      },
    }),
  });
  const [job] = makeTimedJobs(-1) as [Job];
  await parts.repository.insert([job]);
  parts.scheduler.start();
  await parts.clock.asleep();
  assert.deepEqual(await takeIds(parts.queue, 1), [job.id]);
});

Deno.test("Scheduler logs an error of the repository and tries again", async () => {
  await using logs = new CapturedLogs();
  let failures = 2;
  await using parts = await openScheduler({
    change: (stored) => ({
      find(query) {
        if (failures-- > 0) return Promise.reject(new Error("Cannot find"));
        return stored.find(query);
      },
    }),
  });
  const [job] = makeTimedJobs(-1) as [Job];
  await parts.repository.insert([job]);
  parts.scheduler.start();
  for (let tries = 0; tries < 2; tries++) {
    const sleepMs = await parts.clock.asleep();
    assert.ok(sleepMs <= 5_000, `it waits ${sleepMs} ms`);
    parts.clock.advance(sleepMs);
  }
  assert.deepEqual(await takeIds(parts.queue, 1), [job.id]);
  const line = await logs.waitFor({ component: "scheduler", level: "error" });
  assert.equal(line["reason"], "Cannot find");
});

Deno.test("Scheduler.stop ends while it sleeps, during a pass, and where it was never started", async () => {
  await using idle = await openScheduler();
  await idle.scheduler.stop();

  await using sleeping = await openScheduler();
  sleeping.scheduler.start();
  await sleeping.clock.asleep();
  await sleeping.scheduler.stop();

  await using busy = await openScheduler();
  const jobs = makeTimedJobs(-1, -1, -1);
  await busy.repository.insert(jobs);
  busy.scheduler.start();
  await busy.scheduler.stop();
  const { byStatus } = await busy.repository.count();
  assert.equal(byStatus.PENDING + await busy.queue.depth(), jobs.length);
});

Deno.test("Scheduler.stop does not wait until all that is due is published", async () => {
  await using parts = await openScheduler({
    change: (stored) => ({
      find(query) {
        if (query.state === "due") void parts.scheduler.stop();
        return stored.find(query);
      },
    }),
  });
  const jobs = makeTimedJobs(...Array<number>(2_500).fill(-1));
  await parts.repository.insert(jobs);
  await parts.scheduler.tick(testNowMs);
  assert.equal(await parts.queue.depth(), 1_000);
});

/** A scheduler that finds in its first pass that a dead node held these jobs. */
async function openAfterCrash(jobs: readonly Job[], heldCount: number, capacity?: number) {
  let abandoned: readonly Job[] = [];
  const parts = await openScheduler({
    ...(capacity === undefined ? {} : { capacity }),
    change: (stored) => ({
      async find(query) {
        if (query.state !== "abandoned") return await stored.find(query);
        const found = abandoned;
        abandoned = [];
        return { jobs: found, nextRunAtMs: null };
      },
    }),
  });
  await parts.repository.insert(jobs);
  abandoned = await claimJobs(parts.repository, idsOf(jobs.slice(0, heldCount)));
  return parts;
}

Deno.test("Scheduler.tick publishes all that a dead node left, running or waiting, in one pass", async () => {
  const jobs = makeJobs(5);
  await using parts = await openAfterCrash(jobs, 3);
  await parts.scheduler.tick(testNowMs + 10_000);
  assert.deepEqual((await takeIds(parts.queue, 5)).sort(), idsOf(jobs));
});

Deno.test("Scheduler.tick looks on for lost jobs where those that ran have filled the queue", async () => {
  const jobs = makeJobs(4);
  await using parts = await openAfterCrash(jobs, 1, 2);
  const { scheduler, repository, queue } = parts;
  const taken: string[] = [];
  for (const count of [1, 2, 1]) {
    await scheduler.tick(testNowMs + 10_000);
    const ids = await takeIds(queue, count);
    await claimJobs(repository, ids);
    taken.push(...ids);
  }
  assert.deepEqual(taken.sort(), idsOf(jobs));
});

Deno.test("Scheduler looks for lost jobs also after the clock was set back", async () => {
  await using parts = await openScheduler();
  await parts.scheduler.tick(testNowMs);
  const job = makeJob();
  await parts.repository.insert([job]);
  await parts.scheduler.tick(testNowMs - 3_600_000);
  assert.deepEqual(await takeIds(parts.queue, 1), [job.id]);
});
