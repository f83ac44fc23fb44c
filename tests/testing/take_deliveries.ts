// Takes messages off a queue in tests that need an exact number; called by tests of queues.

import assert from "node:assert/strict";
import type { Delivery, Queue } from "../../src/jobs/queue.ts";

/** How long a message may stay away before the test fails rather than hangs. */
const patienceMs = 10_000;

/** Takes until there are `count` deliveries; fails where they do not come. They are not acked. */
export async function takeDeliveries(queue: Queue, count: number): Promise<Delivery[]> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), patienceMs);
  const deliveries: Delivery[] = [];
  try {
    while (deliveries.length < count && !controller.signal.aborted) {
      deliveries.push(...await queue.take(count - deliveries.length, controller.signal));
    }
  } finally {
    clearTimeout(timer);
  }
  assert.equal(deliveries.length, count, "messages did not come");
  return deliveries;
}
