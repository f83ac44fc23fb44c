// Conformance of room, onRoom, depth and queue_full: what waits is bounded, and room is told when it comes.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import type { Queue } from "../../src/jobs/queue.ts";
import { eventually } from "../testing/eventually.ts";
import { makeJob, makeJobs } from "../testing/make_job.ts";
import { takeDeliveries } from "../testing/take_deliveries.ts";
import type { TestQueue } from "./queue.ts";

/** The next call of `onRoom`. */
function waitForRoom(queue: Queue): Promise<void> {
  return new Promise((resolve) => queue.onRoom(resolve));
}

/** Declares the tests; `bound`: why nothing bounds the queue of the driver. */
export function testQueueBounds(test: TestQueue, bound: string | undefined): void {
  const bounded = { capacity: 4, exception: bound };

  test("room is there for a job in an empty queue", async (queue) => {
    assert.ok(queue.room() >= 1);
    await queue.publish([makeJob()]);
  });

  test("depth counts what waits, not what is in the hands of a consumer", async (queue) => {
    const waitForDepth = (depth: number) =>
      eventually(`a depth of ${depth}`, async () => await queue.depth() === depth);
    await waitForDepth(0);
    await queue.publish(makeJobs(5));
    await waitForDepth(5);
    const [first, ...others] = await takeDeliveries(queue, 3);
    await waitForDepth(2);
    await queue.ack([first!]);
    await waitForDepth(2);
    await queue.nack(others);
    await waitForDepth(4);
  });

  test("onRoom calls back at once where there is room, one time", async (queue) => {
    let calls = 0;
    await new Promise<void>((resolve) =>
      queue.onRoom(() => {
        calls++;
        resolve();
      })
    );
    await queue.publish([makeJob()]);
    await queue.ack(await takeDeliveries(queue, 1));
    assert.equal(calls, 1);
  });

  test("publish beyond the capacity is queue_full and adds none", async (queue) => {
    const jobs = makeJobs(3);
    await queue.publish(jobs);
    assert.equal(queue.room(), 1);
    await assert.rejects(queue.publish(makeJobs(2)), { name: "ValetError", code: "queue_full" });
    assert.equal(queue.room(), 1);
    const last = makeJob();
    await queue.publish([last]);
    assert.equal(queue.room(), 0);
    await assert.rejects(queue.publish([makeJob()]), { code: "queue_full" });
    const deliveries = await takeDeliveries(queue, 4);
    assert.deepEqual(deliveries.map((delivery) => delivery.job), [...jobs, last]);
  }, bounded);

  test("publish of no jobs is never queue_full", async (queue) => {
    await queue.publish(makeJobs(4));
    await queue.publish([]);
  }, bounded);

  test("room counts what waits, not what is delivered", async (queue) => {
    await queue.publish(makeJobs(4));
    await takeDeliveries(queue, 3);
    assert.equal(queue.room(), 3);
    await queue.publish(makeJobs(3));
    assert.equal(queue.room(), 0);
  }, bounded);

  test("nack never fails for want of room", async (queue) => {
    const jobs = makeJobs(8);
    await queue.publish(jobs.slice(0, 4));
    const deliveries = await takeDeliveries(queue, 4);
    await queue.publish(jobs.slice(4));
    await queue.nack(deliveries);
    assert.equal(queue.room(), 0);
    await assert.rejects(queue.publish([makeJob()]), { code: "queue_full" });
    const all = await takeDeliveries(queue, 8);
    assert.deepEqual(all.map((delivery) => delivery.job.id).sort(), jobs.map((job) => job.id));
    assert.equal(queue.room(), 4);
  }, bounded);

  test("onRoom calls back when a full queue has room again", async (queue) => {
    await queue.publish(makeJobs(4));
    let replacedCalls = 0;
    queue.onRoom(() => replacedCalls++);
    const room = new Promise<number>((resolve) => queue.onRoom(() => resolve(queue.room())));
    await takeDeliveries(queue, 1);
    assert.equal(await room, 1);
    assert.equal(replacedCalls, 0, "a callback that was replaced was called");
  }, bounded);

  test("onRoom keeps a publisher and a consumer going", async (queue) => {
    const jobs = makeJobs(50);
    const publish = async () => {
      for (let next = 0; next < jobs.length;) {
        await waitForRoom(queue);
        const part = jobs.slice(next, next + queue.room());
        await queue.publish(part);
        next += part.length;
      }
    };
    const taken: Job[] = [];
    const consume = async () => {
      while (taken.length < jobs.length) {
        const deliveries = await takeDeliveries(queue, 2);
        taken.push(...deliveries.map((delivery) => delivery.job));
        await queue.ack(deliveries);
      }
    };
    await Promise.all([publish(), consume()]);
    assert.deepEqual(taken, jobs);
  }, { capacity: 4 });
}
