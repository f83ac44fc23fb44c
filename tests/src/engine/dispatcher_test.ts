import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import { systemClock } from "../../../src/clock.ts";
import { Dispatcher } from "../../../src/engine/dispatcher.ts";
import { ValetError } from "../../../src/errors.ts";
import { isFinished, type Job } from "../../../src/jobs/job.ts";
import { JobOrigins } from "../../../src/jobs/origins.ts";
import { flushLogs } from "../../../src/log/log.ts";
import { describeTable } from "../../testing/describe_table.ts";
import { tasks as fixtureTasks } from "../../fixtures/tasks/mod.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { claimJob, runJob } from "../../testing/claim_jobs.ts";
import { makeJob, makeJobs } from "../../testing/make_job.ts";
import { dispatchedTasks, openDispatcher } from "../../testing/open_dispatcher.ts";
import { PoolProbe } from "../../testing/pool_probe.ts";
import { defaultDeadlineMs, within } from "../../testing/within.ts";

const graceMs = 5_000;

Deno.test("Dispatcher claims, runs, stores the outcome, and acks only then", async () => {
  await using parts = await openDispatcher();
  const job = makeJob();
  await parts.add(job);
  parts.dispatcher.start();
  const [run] = await parts.pool.waitFor(1);
  assert.deepEqual(await parts.until("claim", job), ["claim"]);
  assert.deepEqual([run!.job.status, run!.job.attempt], ["IN_PROGRESS", 1]);
  assert.equal(run!.task, dispatchedTasks.get("dummytask"));
  parts.pool.finish([run!]);
  assert.deepEqual(await parts.until("ack", job), ["claim", "finish", "ack"]);
  assert.equal((await parts.repository.get(job.id))?.status, "COMPLETED");
  assert.deepEqual(await parts.repository.getResult(job.id), {
    jobId: job.id,
    metadataJson: "1",
    error: undefined,
  });
});

Deno.test("Dispatcher stores a failure with its reason", async () => {
  await using logs = new CapturedLogs();
  await using parts = await openDispatcher();
  const job = makeJob();
  await parts.add(job);
  parts.dispatcher.start();
  const failure = { status: "FAILED", resultJson: undefined, failureReason: "it broke" } as const;
  parts.pool.finish(await parts.pool.waitFor(1), failure);
  await parts.until("ack", job);
  const stored = await parts.repository.get(job.id);
  assert.deepEqual([stored?.status, stored?.failureReason], ["FAILED", "it broke"]);
  const line = await logs.waitFor({ message: "job failed", job_id: job.id });
  assert.deepEqual([line["level"], line["reason"]], ["warn", "it broke"]);
});

Deno.test("Dispatcher logs the end of each job once, with its request, outcome and stack", async () => {
  await using logs = new CapturedLogs();
  await using parts = await openDispatcher();
  const [one, two] = makeJobs(2) as [Job, Job];
  parts.origins.add(one.id, "request-1");
  await parts.add(one, two);
  parts.dispatcher.start();
  const [first, second] = await parts.pool.waitFor(2);
  parts.pool.finish([first!], { durationMs: 12.4 });
  const stack = "Error: it broke\n    at task.ts:1:2\ncaused by: Error: why";
  const failureReason = "x".repeat(8_000);
  const failure = { status: "FAILED", resultJson: undefined, failureReason, trace: stack } as const;
  parts.pool.finish([second!], failure);
  await parts.until("ack", two);
  await flushLogs();
  const ends = logs.lines.filter((line) => line["outcome"] !== undefined);
  const common = { component: "dispatcher", task: "dummytask", attempt: 1 };
  assert.deepEqual(ends.map(({ time: _, ...line }) => line), [
    {
      level: "info",
      message: "job completed",
      ...common,
      job_id: one.id,
      outcome: "completed",
      duration_ms: 12,
      request_id: "request-1",
    },
    {
      level: "warn",
      message: "job failed",
      ...common,
      job_id: two.id,
      outcome: "failed",
      duration_ms: 2,
      reason: "x".repeat(2_000),
      stack,
    },
  ]);
  // A store never sees it.
  assert.doesNotMatch(JSON.stringify(await parts.repository.getResult(two.id)), /task\.ts/);
});

Deno.test("Dispatcher gives a run the timeout of the job, else of the task, else the default", async () => {
  await using parts = await openDispatcher();
  await parts.add(
    makeJob({ taskName: "timed", timeoutMs: 7 }),
    makeJob({ taskName: "timed" }),
    makeJob(),
  );
  parts.dispatcher.start();
  const runs = await parts.pool.waitFor(3);
  assert.deepEqual(runs.map(({ timeoutMs }) => timeoutMs), [7, 3_000, 84_600_000]);
});

Deno.test("Dispatcher takes no more than the pool has room for, and more when a run ends", async () => {
  await using parts = await openDispatcher({ poolLimit: 2 });
  const jobs = makeJobs(5);
  await parts.add(...jobs);
  parts.dispatcher.start();
  const [first] = await parts.pool.waitFor(2);
  assert.equal((await parts.repository.get(jobs[2]!.id))?.status, "PENDING");
  parts.pool.finish([first!]);
  await parts.pool.waitFor(3);
  while (parts.pool.submitted.length < 5) {
    parts.pool.finish(parts.pool.submitted.slice(-1)),
      await parts.pool.waitFor(parts.pool.submitted.length + 1);
  }
  assert.deepEqual(parts.pool.submitted.map(({ job }) => job.id), jobs.map(({ id }) => id));
});

Deno.test("Dispatcher acks a message whose job is gone, finished or run by another node", async () => {
  await using parts = await openDispatcher();
  const [deleted, finished, elsewhere, mine] = makeJobs(4) as [Job, Job, Job, Job];
  await parts.repository.insert([finished, elsewhere]);
  await runJob(parts.repository, finished.id);
  await claimJob(parts.repository, elsewhere.id);
  await parts.queue.publish([deleted, finished, elsewhere]);
  await parts.add(mine);
  parts.dispatcher.start();
  for (const job of [deleted, finished, elsewhere]) {
    assert.deepEqual(await parts.until("ack", job), ["no claim", "ack"]);
  }
  assert.deepEqual((await parts.pool.waitFor(1)).map(({ job }) => job.id), [mine.id]);
});

Deno.test("Dispatcher runs a job once though two messages carry it", async () => {
  await using parts = await openDispatcher();
  const job = makeJob();
  await parts.add(job);
  await parts.queue.publish([job]);
  parts.dispatcher.start();
  assert.deepEqual(await parts.until("ack", job), ["claim", "no claim", "ack"]);
  parts.pool.finish(await parts.pool.waitFor(1));
  await parts.until("finish", job);
  assert.equal(parts.pool.submitted.length, 1);
});

Deno.test("Dispatcher fails a job whose task this executable does not have", async () => {
  await using parts = await openDispatcher();
  const jobs = ["not_there", "constructor"].map((taskName) => makeJob({ taskName }));
  await parts.add(...jobs);
  parts.dispatcher.start();
  for (const job of jobs) {
    assert.deepEqual(await parts.until("ack", job), ["claim", "finish", "ack"]);
    const stored = await parts.repository.get(job.id);
    assert.equal(stored?.status, "FAILED");
    assert.equal(stored.failureReason, `there is no task "${job.taskName}" in this executable`);
  }
  assert.deepEqual(parts.pool.submitted, []);
});

for (const wasStarted of [false, true]) {
  Deno.test(`Dispatcher nacks a job that comes back, and it runs again, wasStarted ${wasStarted}`, async () => {
    await using parts = await openDispatcher();
    const job = makeJob();
    await parts.add(job);
    parts.dispatcher.start();
    parts.pool.giveBack(await parts.pool.waitFor(1), wasStarted);
    assert.deepEqual(
      (await parts.until("nack", job)).slice(0, 3),
      ["claim", "give_back", "nack"],
    );
    const [, again] = await parts.pool.waitFor(2);
    assert.equal(again!.job.id, job.id);
    assert.equal(again!.job.attempt, wasStarted ? 2 : 1);
    parts.pool.finish([again!]);
    await parts.until("ack", job);
    assert.equal((await parts.repository.get(job.id))?.status, "COMPLETED");
  });
}

Deno.test("Dispatcher acks a job that comes back and was deleted meanwhile", async () => {
  await using parts = await openDispatcher();
  const job = makeJob();
  await parts.add(job);
  parts.dispatcher.start();
  const runs = await parts.pool.waitFor(1);
  const deleted = await parts.repository.delete(job.id);
  parts.dispatcher.abort(deleted!);
  assert.deepEqual(parts.pool.aborted, [[job.id, "the job was deleted"]]);
  parts.pool.giveBack(runs, true);
  assert.deepEqual(await parts.until("ack", job), ["claim", "no give_back", "ack"]);
});

Deno.test("Dispatcher keeps outcomes while the repository fails, and runs nothing twice", async () => {
  await using logs = new CapturedLogs();
  let isDown = false;
  await using parts = await openDispatcher({
    repository: (stored) => ({
      change(changes, nowMs) {
        if (isDown) return Promise.reject(new ValetError("unavailable", "Cannot change: down"));
        return stored.change(changes, nowMs);
      },
    }),
  });
  const jobs = makeJobs(3);
  await parts.add(...jobs);
  parts.dispatcher.start();
  const runs = await parts.pool.waitFor(3);
  isDown = true;
  parts.pool.finish(runs);
  let slept = 0;
  for (let tries = 0; tries < 12; tries++) {
    const sleepMs = await parts.clock.asleep();
    assert.ok(sleepMs >= slept && sleepMs <= 500, `after ${slept} it waits ${sleepMs} ms`);
    slept = sleepMs;
    parts.clock.advance(sleepMs);
  }
  assert.equal(slept, 500, "the waits do not grow to their maximum");
  assert.equal((await parts.repository.get(jobs[0]!.id))?.status, "IN_PROGRESS");
  isDown = false;
  parts.clock.advance(await parts.clock.asleep());
  for (const job of jobs) {
    assert.deepEqual(await parts.until("ack", job), ["claim", "finish", "ack"]);
    assert.ok(isFinished((await parts.repository.get(job.id))!));
  }
  assert.equal(parts.pool.submitted.length, 3);
  await flushLogs();
  // An outage is told by the driver, once.
  assert.deepEqual(logs.lines.filter(({ level }) => level === "error"), []);
});

Deno.test("Dispatcher nacks what it cannot claim and takes it again when the repository is back", async () => {
  let isDown = true;
  await using parts = await openDispatcher({
    repository: (stored) => ({
      change(changes, nowMs) {
        if (isDown) return Promise.reject(new ValetError("unavailable", "Cannot change: down"));
        return stored.change(changes, nowMs);
      },
    }),
  });
  const job = makeJob();
  await parts.add(job);
  parts.dispatcher.start();
  const waitsMs: number[] = [];
  while (waitsMs.length < 9) {
    const waitMs = await parts.clock.asleep();
    waitsMs.push(waitMs);
    if (waitsMs.length === 9) isDown = false;
    parts.clock.advance(waitMs);
  }
  assert.deepEqual(waitsMs, [50, 100, 200, 400, 500, 500, 500, 500, 500]);
  parts.pool.finish(await parts.pool.waitFor(1));
  assert.equal((await parts.until("ack", job)).at(-1), "ack");
});

Deno.test("Dispatcher goes on after an error of the queue: take, ack, nack", async () => {
  const failing: string[] = [];
  const orFail = (name: string) => {
    if (failing[0] !== name) return undefined;
    failing.shift();
    return Promise.reject(new ValetError("unavailable", "Cannot reach it"));
  };
  await using parts = await openDispatcher({
    queue: (queue) => ({
      take: (limit, signal) => orFail("take") ?? queue.take(limit, signal),
      ack: (deliveries) => orFail("ack") ?? queue.ack(deliveries),
      nack: (deliveries) => orFail("nack") ?? queue.nack(deliveries),
    }),
  });
  failing.push("take", "take");
  const [first, second, deleted, last] = makeJobs(4) as [Job, Job, Job, Job];
  await parts.add(first);
  parts.dispatcher.start();
  for (let tries = 0; tries < 2; tries++) parts.clock.advance(await parts.clock.asleep());
  const [run] = await parts.pool.waitFor(1);

  // The ack of a message whose job is gone fails: the other job of the same batch must run all the same.
  await parts.repository.insert([second]);
  failing.push("ack");
  await parts.queue.publish([deleted, second]);
  await parts.pool.waitFor(2);

  failing.push("ack");
  parts.pool.finish([run!]);
  await parts.until("finish", first);
  await parts.add(last);
  parts.clock.advance(60_000);
  const runs = await parts.pool.waitFor(3);
  assert.deepEqual(runs.map(({ job }) => job.id), [first.id, second.id, last.id]);
});

Deno.test("Dispatcher.stop gives back what has not ended, and takes no more", async () => {
  await using parts = await openDispatcher();
  const [running, later] = makeJobs(2) as [Job, Job];
  await parts.add(running);
  parts.dispatcher.start();
  await parts.pool.waitFor(1);
  await parts.dispatcher.stop(graceMs);
  assert.deepEqual(await parts.until("nack", running), ["claim", "give_back", "nack"]);
  assert.equal((await parts.repository.get(running.id))?.status, "PENDING");
  await parts.add(later);
  assert.equal(parts.pool.submitted.length, 1);
});

Deno.test("Dispatcher.stop waits until the outcomes are stored, but not for ever", async () => {
  let isDown = false;
  const down = new ValetError("unavailable", "Cannot change: down");
  await using parts = await openDispatcher({
    repository: (stored) => ({
      change: (changes, nowMs) => isDown ? Promise.reject(down) : stored.change(changes, nowMs),
    }),
  });
  const job = makeJob();
  await parts.add(job);
  parts.dispatcher.start();
  const runs = await parts.pool.waitFor(1);
  isDown = true;
  parts.pool.finish(runs);
  await parts.clock.asleep();
  await within(parts.dispatcher.stop(50), "the stop");
  assert.equal((await parts.repository.get(job.id))?.status, "IN_PROGRESS");
});

Deno.test("Dispatcher.stop ends also where it was never started, and while the pool is full", async () => {
  await using idle = await openDispatcher();
  await idle.dispatcher.stop(graceMs);
  await using full = await openDispatcher({ poolLimit: 1 });
  await full.add(...makeJobs(2));
  full.dispatcher.start();
  await full.pool.waitFor(1);
  await within(full.dispatcher.stop(graceMs), "the stop");
});

Deno.test("Dispatcher and a real pool run each of many jobs exactly once", async () => {
  const [queue, repository] = [
    await openMemoryQueue({ capacity: 10_000 }),
    await openMemoryRepository(),
  ];
  let probe!: PoolProbe;
  const dispatcher = new Dispatcher({
    repository,
    queue,
    tasks: describeTable(fixtureTasks),
    clock: systemClock,
    leaseMs: 30_000,
    maxCrashes: 3,
    origins: new JobOrigins(),
    createPool(events) {
      probe = new PoolProbe({ concurrency: 2, ...events });
      return probe.pool;
    },
  });
  const jobs = Array.from(
    { length: 1_000 },
    (_, place) =>
      makeJob({ taskName: place % 100 === 0 ? "throws" : "ok", paramsJson: `{"a":${place}}` }),
  );
  await repository.insert(jobs);
  await queue.publish(jobs);
  const { promise: allAcked, resolve } = Promise.withResolvers<void>();
  let ackedCount = 0;
  const { ack } = queue;
  queue.ack = async (deliveries) => {
    await ack.call(queue, deliveries);
    ackedCount += deliveries.length;
    if (ackedCount === jobs.length) resolve();
  };
  dispatcher.start();
  try {
    await within(allAcked, "the last ack", defaultDeadlineMs * 2, () => `, got ${ackedCount}`);
  } finally {
    await dispatcher.stop(graceMs);
  }
  const { COMPLETED, FAILED } = (await repository.count()).byStatus;
  assert.deepEqual([COMPLETED, FAILED, ackedCount], [990, 10, 1_000]);
  for (const [place, { id }] of jobs.entries()) {
    assert.equal((await repository.get(id))?.attempt, 1);
    const result = await repository.getResult(id);
    assert.equal(result?.metadataJson, place % 100 === 0 ? undefined : `{"a":${place}}`);
  }
  await queue.close();
  await repository.close();
  await flushLogs();
});
