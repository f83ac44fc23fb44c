import assert from "node:assert/strict";
import { steadyNow } from "../../../src/clock.ts";
import { ValetError } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { makeJob, makeJobs, testNowMs } from "../../testing/make_job.ts";
import { type DispatcherSetup, openDispatcher } from "../../testing/open_dispatcher.ts";

const shared: DispatcherSetup = {
  repository: () => ({ isDurable: true, isShared: true }),
  queue: () => ({ isShared: true }),
};
/** Messages that another process published, to a repository that forgets. */
const foreign: DispatcherSetup = {
  queue: (queue) => ({
    isShared: true,
    take: async (limit, signal) =>
      (await queue.take(limit, signal)).map((delivery) =>
        Object.defineProperty(delivery, "isForeign", { value: true })
      ),
  }),
};

Deno.test("Dispatcher acks at the claim where claim and message both outlive the process", async () => {
  await using parts = await openDispatcher(shared);
  const job = makeJob();
  await parts.add(job);
  parts.dispatcher.start();
  assert.deepEqual(await parts.until("ack", job), ["claim", "ack"]);
  assert.equal(parts.dispatcher.holds(job.id), true);
  parts.pool.finish(await parts.pool.waitFor(1));
  assert.deepEqual(await parts.until("finish", job), ["claim", "ack", "finish"]);
});

Deno.test("Dispatcher stores the start of a run by the time of a shared repository, never before its claim", async () => {
  await using parts = await openDispatcher(shared);
  const [job, earlyJob] = makeJobs(2) as [Job, Job];
  await parts.add(job, earlyJob);
  parts.dispatcher.start();
  const [run, earlyRun] = await parts.pool.waitFor(2);
  parts.clock.advance(60_000);
  parts.pool.finish([run!], { startedAtMs: steadyNow() - 50_000 });
  parts.pool.finish([earlyRun!], { startedAtMs: steadyNow() - 70_000 });
  await Promise.all([parts.until("finish", job), parts.until("finish", earlyJob)]);
  const startedAtMs = (await parts.repository.get(job.id))!.startedAtMs!;
  assert.ok(Math.abs(startedAtMs - testNowMs - 10_000) < 1_000, String(startedAtMs));
  assert.equal((await parts.repository.get(earlyJob.id))?.startedAtMs, testNowMs);
});

Deno.test("Dispatcher publishes a job that comes back and whose message was acked", async () => {
  await using parts = await openDispatcher(shared);
  const job = makeJob();
  await parts.add(job);
  parts.dispatcher.start();
  parts.pool.giveBack(await parts.pool.waitFor(1), true);
  const [, again] = await parts.pool.waitFor(2);
  assert.deepEqual([again!.job.id, again!.job.attempt, again!.job.fence], [job.id, 2, 2]);
  parts.pool.finish([again!]);
  await parts.until("finish", job);
});

Deno.test("Dispatcher acks at the end where one of the two does not outlive the process", async () => {
  for (
    const setup of [
      { repository: () => ({ isDurable: true }) },
      { queue: () => ({ isShared: true }) },
    ] satisfies DispatcherSetup[]
  ) {
    await using parts = await openDispatcher(setup);
    const job = makeJob();
    await parts.add(job);
    parts.dispatcher.start();
    parts.pool.finish(await parts.pool.waitFor(1));
    assert.deepEqual(await parts.until("ack", job), ["claim", "finish", "ack"]);
  }
});

Deno.test("Dispatcher adopts a job that another process published, once", async () => {
  await using parts = await openDispatcher(foreign);
  const job = makeJob();
  await parts.queue.publish([job, job]);
  parts.dispatcher.start();
  parts.pool.finish(await parts.pool.waitFor(1));
  await parts.until("finish", job);
  assert.equal((await parts.repository.get(job.id))?.status, "COMPLETED");
  assert.equal(parts.pool.submitted.length, 1);
});

Deno.test("Dispatcher adopts nothing from itself, and nothing where the repository remembers", async () => {
  for (
    const setup of [
      { queue: () => ({ isShared: true }) },
      { ...foreign, repository: () => ({ isDurable: true }) },
    ] satisfies DispatcherSetup[]
  ) {
    await using parts = await openDispatcher(setup);
    const deleted = makeJob();
    await parts.queue.publish([deleted]);
    parts.dispatcher.start();
    assert.deepEqual(await parts.until("ack", deleted), ["no claim", "ack"]);
    assert.equal(await parts.repository.get(deleted.id), null);
  }
});

Deno.test("Dispatcher holds one job at a time whose next crash would be its last", async () => {
  await using parts = await openDispatcher();
  const suspects = makeJobs(3, { crashes: 2 });
  const [safe, alsoSafe] = [makeJob({ crashes: 1 }), makeJob()];
  await parts.add(...suspects, safe, alsoSafe);
  parts.dispatcher.start();
  const first = await parts.pool.waitFor(3);
  assert.deepEqual(idsOf(first.map(({ job }) => job)), idsOf([suspects[0]!, safe, alsoSafe]));
  for (const [index, suspect] of suspects.entries()) {
    const runs = await parts.pool.waitFor(3 + index);
    const run = runs.find(({ job }) => job.id === suspect.id);
    assert.ok(run, `suspect ${index} does not run when it is its turn`);
    assert.equal(parts.pool.submitted.length, 3 + index);
    parts.pool.finish([run]);
    await parts.until("ack", suspect);
  }
});

Deno.test("Dispatcher.stop puts jobs back that wait for another one", async () => {
  await using parts = await openDispatcher();
  const [held, waiting] = makeJobs(2, { crashes: 2 }) as [Job, Job];
  await parts.add(held, waiting);
  parts.dispatcher.start();
  await parts.pool.waitFor(1);
  await parts.dispatcher.stop(0);
  assert.deepEqual(await parts.until("nack", waiting), ["nack"]);
});

Deno.test("Dispatcher goes on to the next of them where the first could not be claimed, or is gone", async () => {
  let failures = 1;
  await using parts = await openDispatcher({
    repository: (stored) => ({
      change(changes, nowMs) {
        if (failures-- > 0) throw new ValetError("unavailable", "the store is away");
        return stored.change(changes, nowMs);
      },
    }),
  });
  const [gone, next, last] = makeJobs(3, { crashes: 2 }) as [Job, Job, Job];
  await parts.add(gone, next, last);
  await parts.repository.delete(gone.id);
  parts.dispatcher.start();
  await parts.until("nack", gone);
  parts.clock.advance(await parts.clock.asleep());
  for (const [index, job] of [next, last].entries()) {
    const runs = await parts.pool.waitFor(index + 1);
    assert.equal(runs[index]!.job.id, job.id);
    parts.pool.finish([runs[index]!]);
  }
});

Deno.test("Dispatcher keeps one message of each of them, whatever is published again", async () => {
  await using parts = await openDispatcher();
  const [held, waiting] = makeJobs(2, { crashes: 2 }) as [Job, Job];
  await parts.add(held, waiting);
  parts.dispatcher.start();
  await parts.pool.waitFor(1);
  await parts.queue.publish([waiting, waiting]);
  assert.deepEqual(await parts.until("ack", waiting), ["ack", "ack"]);
  parts.pool.finish(await parts.pool.waitFor(1));
  assert.equal((await parts.pool.waitFor(2))[1]!.job.id, waiting.id);
});

Deno.test("Dispatcher acks their messages where it acks claims, and publishes them when it is their turn", async () => {
  await using parts = await openDispatcher(shared);
  const [held, waiting] = makeJobs(2, { crashes: 2 }) as [Job, Job];
  await parts.add(held, waiting);
  parts.dispatcher.start();
  assert.deepEqual(await parts.until("ack", waiting), ["ack"]);
  parts.pool.finish(await parts.pool.waitFor(1));
  assert.equal((await parts.pool.waitFor(2))[1]!.job.id, waiting.id);
});

for (const [name, setup] of [["memory", {}], ["shared", shared]] as const) {
  Deno.test(`Dispatcher sets jobs aside that cannot be loaded, until they can, queue ${name}`, async () => {
    await using parts = await openDispatcher(setup);
    const [waiting, other, later] = [makeJob(), makeJob({ taskName: "timed" }), makeJob()];
    parts.pool.unload("dummytask");
    await parts.add(waiting, other);
    parts.dispatcher.start();
    const [first] = await parts.pool.waitFor(1);
    assert.equal(first!.job.id, other.id);
    await parts.add(later);
    parts.pool.finish([first!]);
    await parts.until("finish", other);
    assert.equal((await parts.repository.get(waiting.id))?.status, "PENDING");
    parts.pool.load("dummytask");
    const [, ...runs] = await parts.pool.waitFor(3);
    assert.deepEqual(idsOf(runs.map(({ job }) => job)).sort(), idsOf([waiting, later]).sort());
    for (const { job } of runs) assert.equal(job.attempt, 1);
    parts.pool.finish(runs);
    await Promise.all([parts.until("finish", waiting), parts.until("finish", later)]);
  });
}

Deno.test("Dispatcher adopts jobs of other processes before it sets them aside", async () => {
  await using parts = await openDispatcher(foreign);
  const job = makeJob();
  parts.pool.unload("dummytask");
  await parts.queue.publish([job]);
  parts.dispatcher.start();
  assert.deepEqual(await parts.until("ack", job), ["ack"]);
  assert.equal((await parts.repository.get(job.id))?.status, "PENDING");
  parts.pool.load("dummytask");
  const [run] = await parts.pool.waitFor(1);
  assert.equal(run!.job.id, job.id);
});

Deno.test("Dispatcher.stop puts jobs back that cannot be loaded", async () => {
  await using parts = await openDispatcher();
  const [job, other] = [makeJob(), makeJob({ taskName: "timed" })];
  parts.pool.unload("dummytask");
  await parts.add(job, other);
  parts.dispatcher.start();
  await parts.pool.waitFor(1);
  await parts.dispatcher.stop(0);
  assert.deepEqual(await parts.until("nack", job), ["nack"]);
});

Deno.test("Dispatcher drops the message of a job that the repository refuses for good", async () => {
  await using logs = new CapturedLogs();
  const bad = makeJob();
  await using parts = await openDispatcher({
    ...foreign,
    repository: (stored) => ({
      insert(jobs) {
        if (jobs[0]!.id !== bad.id) return stored.insert(jobs);
        return Promise.reject(new ValetError("too_large", "9 bytes; 8 are allowed"));
      },
    }),
  });
  const good = makeJob();
  await parts.queue.publish([bad, good]);
  parts.dispatcher.start();
  await parts.until("ack", bad);
  const [run] = await parts.pool.waitFor(1);
  assert.equal(run!.job.id, good.id);
  await logs.waitFor({ message: "dropped a job that cannot be stored", job_id: bad.id });
});

Deno.test("Dispatcher loses nothing of a batch in which a job cannot be adopted", async () => {
  let isFull = true;
  await using parts = await openDispatcher({
    ...foreign,
    repository: (stored) => ({
      insert(jobs) {
        if (isFull) throw new ValetError("unavailable", "the store is full");
        return stored.insert(jobs);
      },
    }),
  });
  const [own, adopted] = makeJobs(2) as [Job, Job];
  await parts.add(own);
  await parts.queue.publish([adopted]);
  parts.dispatcher.start();
  await parts.until("nack", adopted);
  isFull = false;
  parts.clock.advance(await parts.clock.asleep());
  const runs = await parts.pool.waitFor(2);
  assert.deepEqual(idsOf(runs.map(({ job }) => job)), idsOf([own, adopted]));
});

function idsOf(jobs: readonly Job[]): string[] {
  return jobs.map(({ id }) => id);
}
