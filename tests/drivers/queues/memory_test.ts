import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { queueConformance } from "../../conformance/queue.ts";
import { makeJob, makeJobs } from "../../testing/make_job.ts";
import { takeDeliveries } from "../../testing/take_deliveries.ts";

queueConformance({
  name: "memory",
  isShared: false,
  open: (capacity) => openMemoryQueue({ capacity }),
});

const never = new AbortController().signal;

Deno.test("memory queue: holds 100 jobs unless told", async () => {
  for (const options of [undefined, null, {}]) {
    const queue = await openMemoryQueue(options);
    assert.equal(queue.room(), 100);
    await queue.close();
  }
});

Deno.test("memory queue: a waiting take is answered in the turn of the publish", async () => {
  const queue = await openMemoryQueue();
  let isAnswered = false;
  const taking = queue.take(1, never).then(() => isAnswered = true);
  void queue.publish([makeJob()]);
  await Promise.resolve();
  assert.equal(isAnswered, true);
  await taking;
  await queue.close();
});

Deno.test("memory queue: says how much room there is when it refuses", async () => {
  const queue = await openMemoryQueue({ capacity: 3 });
  await queue.publish(makeJobs(1));
  await assert.rejects(queue.publish(makeJobs(4)), {
    code: "queue_full",
    message: "Cannot publish 4 jobs: the job queue has room for 2 of its 3; try again later or " +
      "raise its capacity",
  });
  await queue.close();
});

Deno.test("memory queue: ignores the deliveries of another queue", async () => {
  const [one, other] = [await openMemoryQueue(), await openMemoryQueue()];
  await one.publish([makeJob()]);
  const deliveries = await takeDeliveries(one, 1);
  await other.ack(deliveries);
  await other.nack(deliveries);
  assert.equal(other.room(), 100);
  await one.nack(deliveries);
  assert.equal(one.room(), 99);
  await one.close();
  await other.close();
});

Deno.test("memory queue: keeps the order of 100,000 waiting jobs", async () => {
  const queue = await openMemoryQueue({ capacity: 100_000 });
  const jobs = makeJobs(100_000);
  for (const job of jobs) await queue.publish([job]);
  assert.equal(queue.room(), 0);
  const ids: string[] = [];
  while (ids.length < jobs.length) {
    const deliveries = await queue.take(64, never);
    ids.push(...deliveries.map((delivery) => delivery.job.id));
    await queue.ack(deliveries);
  }
  assert.deepEqual(ids, jobs.map((job) => job.id));
  assert.equal(queue.room(), 100_000);
  await queue.close();
});

for (
  const [options, message] of [
    [{ capacity: 0 }, "capacity is 0; a whole number from 1 is allowed"],
    [{ capacity: "5" }, 'capacity is "5"; a whole number from 1 is allowed'],
    [7, "its options are 7; an object such as { capacity: 100 } is allowed"],
  ] as const
) {
  Deno.test(`openMemoryQueue: refuses ${JSON.stringify(options)}`, async () => {
    await assert.rejects(openMemoryQueue(options), {
      code: "invalid_config",
      message: `Cannot open the memory job queue: ${message}`,
    });
  });
}
