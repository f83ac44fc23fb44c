// Conformance of health and close.

import assert from "node:assert/strict";
import { makeJob, makeJobs } from "../testing/make_job.ts";
import { takeDeliveries } from "../testing/take_deliveries.ts";
import type { TestQueue } from "./queue.ts";

/** Declares the tests; `isShared`: what the driver must say of itself. */
export function testQueueLifeCycle(test: TestQueue, isShared: boolean): void {
  const never = new AbortController().signal;

  test(`isShared is ${isShared}`, (queue) => {
    assert.equal(queue.isShared, isShared);
    return Promise.resolve();
  });

  test("health of an open queue is good", async (queue) => {
    assert.equal((await queue.health()).isHealthy, true);
  });

  test("health after close is bad, with a reason, and does not throw", async (queue) => {
    await queue.close();
    const health = await queue.health();
    assert.equal(health.isHealthy, false);
    assert.ok(health.reason);
  });

  test("publish, room and depth after close are unavailable", async (queue) => {
    await queue.close();
    const unavailable = { name: "ValetError", code: "unavailable" };
    await assert.rejects(queue.publish([makeJob()]), unavailable);
    assert.throws(() => queue.room(), unavailable);
    await assert.rejects(queue.depth(), unavailable);
  });

  test("onRoom after close calls nothing back", async (queue) => {
    await queue.close();
    queue.onRoom(() => assert.fail("called back"));
  });

  test("take after close gives nothing, whatever waits", async (queue) => {
    await queue.publish(makeJobs(3));
    await queue.close();
    assert.deepEqual(await queue.take(1, never), []);
  });

  test("ack and nack after close do nothing", async (queue) => {
    await queue.publish(makeJobs(2));
    const [first, second] = await takeDeliveries(queue, 2);
    await queue.close();
    await queue.ack([first!]);
    await queue.nack([second!]);
    assert.deepEqual(await queue.take(1, never), []);
  });

  test("close ends a take that waits", async (queue) => {
    const taking = queue.take(1, never);
    await queue.close();
    assert.deepEqual(await taking, []);
  });

  test("close waits for the publishes under way", async (queue) => {
    const publishing = Array.from({ length: 20 }, () => queue.publish([makeJob()]));
    await queue.close();
    const outcomes = await Promise.allSettled(publishing);
    assert.ok(outcomes.every(({ status }) => status === "fulfilled"));
  });

  test("close a second time, also at once, does nothing", async (queue) => {
    await Promise.all([queue.close(), queue.close()]);
    await queue.close();
  });
}
