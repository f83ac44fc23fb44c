import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import { publishWaiting } from "../../../src/engine/publish.ts";
import { ValetError } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import type { Queue } from "../../../src/jobs/queue.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { makeJobs, testNowMs } from "../../testing/make_job.ts";
import { takeDeliveries } from "../../testing/take_deliveries.ts";

/** A memory queue that refuses messages of these jobs, and stored jobs. */
async function open(jobs: readonly Job[], refused: readonly Job[]) {
  const repository = await openMemoryRepository();
  await repository.insert(jobs);
  const queue = await openMemoryQueue({ capacity: 10_000 });
  const ids = new Set(refused.map(({ id }) => id));
  const publish: Queue["publish"] = async (batch) => {
    if (batch.some(({ id }) => ids.has(id))) {
      throw new ValetError("too_large", "its message has 9 bytes; 8 are allowed");
    }
    await queue.publish(batch);
  };
  return {
    repository,
    queue,
    options: { repository, queue: { publish }, clock: new FakeClock(testNowMs) },
  };
}

Deno.test("publishWaiting fails the jobs that the queue refuses, with the reason, and publishes the others", async () => {
  await using logs = new CapturedLogs();
  const jobs = makeJobs(100);
  const refused = jobs.filter((_, i) => i === 0 || i === 37 || i === 99);
  const { repository, queue, options } = await open(jobs, refused);
  await publishWaiting(jobs, options);
  const good = jobs.filter((job) => !refused.includes(job));
  const taken = await takeDeliveries(queue, good.length);
  assert.deepEqual(taken.map(({ job }) => job), good);
  const failureReason = "the job cannot be queued: its message has 9 bytes; 8 are allowed";
  for (const job of refused) {
    assert.deepEqual(await repository.get(job.id), {
      ...job,
      status: "FAILED",
      failureReason,
      completedAtMs: testNowMs,
      durationMs: 0,
    });
    assert.equal((await repository.getResult(job.id))?.error, failureReason);
    await logs.waitFor({ message: "job failed", job_id: job.id, reason: failureReason });
  }
  assert.equal((await repository.count()).waiting, good.length);
});

Deno.test("publishWaiting says nothing of a refused job that was deleted meanwhile", async () => {
  await using logs = new CapturedLogs();
  const jobs = makeJobs(1);
  const { repository, options } = await open(jobs, jobs);
  await repository.delete(jobs[0]!.id);
  await publishWaiting(jobs, options);
  assert.deepEqual(logs.lines, []);
});

Deno.test("publishWaiting passes on that a queue is full or out of reach, and fails no job for it", async () => {
  for (const code of ["queue_full", "unavailable"] as const) {
    const jobs = makeJobs(2);
    const { repository, options } = await open(jobs, []);
    const queue = { publish: () => Promise.reject(new ValetError(code, "not now")) };
    await assert.rejects(publishWaiting(jobs, { ...options, queue }), { code });
    assert.equal((await repository.count()).waiting, 2);
  }
});
