// Conformance of health and close.

import assert from "node:assert/strict";
import { makeJob, makeJobs } from "../testing/make_job.ts";
import { takeDeliveries } from "../testing/take_deliveries.ts";
import type { TestQueue } from "./queue.ts";

/** Declares the tests. */
export function testQueueLifeCycle(test: TestQueue): void {
  const never = new AbortController().signal;

  test("health of an open queue is good", async (queue) => {
    assert.equal((await queue.health()).isHealthy, true);
  });

  test("health after close is bad, with a reason, and does not throw", async (queue) => {
    await queue.close();
    const health = await queue.health();
    assert.equal(health.isHealthy, false);
    assert.ok(health.reason);
  });

  test("publish after close is unavailable, and there is no room", async (queue) => {
    await queue.close();
    assert.equal(queue.room(), 0);
    await assert.rejects(queue.publish([makeJob()]), { name: "ValetError", code: "unavailable" });
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

  test("close a second time does nothing", async (queue) => {
    await queue.close();
    await queue.close();
  });
}
