// Conformance of publish, take, ack and nack: every message arrives, in order, at least once.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import type { Delivery } from "../../src/jobs/queue.ts";
import { makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import { takeDeliveries } from "../testing/take_deliveries.ts";
import type { QueueSuite, TestQueue } from "./queue.ts";

function jobsOf(deliveries: readonly Delivery[]): Job[] {
  return deliveries.map((delivery) => delivery.job);
}

/** Declares the tests. */
export function testDeliveries(
  test: TestQueue,
  { nackOrder, largeTexts }: NonNullable<QueueSuite["exceptions"]>,
): void {
  const never = new AbortController().signal;

  test("take gives published jobs first in, first out", async (queue) => {
    const jobs = makeJobs(500);
    for (let i = 0; i < jobs.length; i += 50) await queue.publish(jobs.slice(i, i + 50));
    const deliveries = await takeDeliveries(queue, 500);
    assert.deepEqual(jobsOf(deliveries), jobs);
    assert.ok(deliveries.every(({ isForeign }) => !isForeign));
  });

  test("take keeps the order while messages come and go", async (queue) => {
    const jobs = makeJobs(120);
    const taken: Job[] = [];
    for (let i = 0; i < jobs.length; i += 6) {
      await queue.publish(jobs.slice(i, i + 6));
      const deliveries = await takeDeliveries(queue, 5);
      taken.push(...jobsOf(deliveries));
      await queue.ack(deliveries);
    }
    taken.push(...jobsOf(await takeDeliveries(queue, 20)));
    assert.deepEqual(taken, jobs);
  });

  test("publish carries the whole job", async (queue) => {
    const jobs = [
      makeJob({
        name: "'; DROP TABLE jobs; -- \u0000 \u{1F600} \\ \"",
        description: "",
        paramsJson: JSON.stringify({ text: "\u00E9".repeat(1024 * 512) }),
        timeoutMs: 31_536_000_000,
        runAtMs: 253_402_300_799_999,
        status: "SCHEDULED",
        scheduledAtMs: testNowMs,
        attempt: 2,
      }),
      makeJob(),
    ];
    await queue.publish(jobs);
    assert.deepEqual(jobsOf(await takeDeliveries(queue, 2)), jobs);
  }, { exception: largeTexts });

  test("publish of no jobs does nothing", async (queue) => {
    await queue.publish([]);
    const job = makeJob();
    const taking = takeDeliveries(queue, 1);
    await queue.publish([]);
    await queue.publish([job]);
    assert.deepEqual(jobsOf(await taking), [job]);
  });

  test("take gives at most its limit and leaves the rest", async (queue) => {
    const jobs = makeJobs(5);
    await queue.publish(jobs);
    const first = await queue.take(2, never);
    assert.ok(first.length >= 1 && first.length <= 2);
    const rest = await takeDeliveries(queue, 5 - first.length);
    assert.deepEqual([...jobsOf(first), ...jobsOf(rest)], jobs);
  });

  test("take waits for a message and returns with the first", async (queue) => {
    const job = makeJob();
    const taking = queue.take(100, never);
    await queue.publish([job]);
    assert.deepEqual(jobsOf(await taking), [job]);
  });

  test("take with an aborted signal gives nothing and loses nothing", async (queue) => {
    const job = makeJob();
    await queue.publish([job]);
    assert.deepEqual(await queue.take(1, AbortSignal.abort()), []);
    assert.deepEqual(jobsOf(await takeDeliveries(queue, 1)), [job]);
  });

  test("take that is aborted while it waits gives nothing and loses nothing", async (queue) => {
    const controller = new AbortController();
    const taking = queue.take(10, controller.signal);
    controller.abort();
    assert.deepEqual(await taking, []);
    const jobs = makeJobs(3);
    await queue.publish(jobs);
    const deliveries = await takeDeliveries(queue, 3);
    assert.deepEqual(jobsOf(deliveries), jobs);
  });

  test("take that is aborted as a message arrives gives it now or to the next", async (queue) => {
    for (let round = 0; round < 20; round++) {
      const job = makeJob();
      const controller = new AbortController();
      const taking = queue.take(1, controller.signal);
      const publishing = queue.publish([job]);
      if (round % 2 === 0) await Promise.resolve();
      controller.abort();
      await publishing;
      const taken = await taking;
      const deliveries = taken.length > 0 ? taken : await takeDeliveries(queue, 1);
      assert.deepEqual(jobsOf(deliveries), [job]);
      await queue.ack(deliveries);
    }
  });

  test("take does not give again what is in the hands of a consumer", async (queue) => {
    const [first, second] = makeJobs(2) as [Job, Job];
    await queue.publish([first]);
    await takeDeliveries(queue, 1);
    await queue.publish([second]);
    assert.deepEqual(jobsOf(await takeDeliveries(queue, 1)), [second]);
  });

  test("ack ends a message: nack after it brings nothing back", async (queue) => {
    const [first, second] = makeJobs(2) as [Job, Job];
    await queue.publish([first]);
    const deliveries = await takeDeliveries(queue, 1);
    await queue.ack(deliveries);
    await queue.ack(deliveries);
    await queue.nack(deliveries);
    await queue.publish([second]);
    assert.deepEqual(jobsOf(await takeDeliveries(queue, 1)), [second]);
  });

  test("ack and nack of nothing or of a delivery not the queue's do nothing", async (queue) => {
    const stranger: Delivery = { job: makeJob(), isForeign: false };
    for (const deliveries of [[], [stranger]]) {
      await queue.ack(deliveries);
      await queue.nack(deliveries);
    }
    const job = makeJob();
    await queue.publish([job]);
    assert.deepEqual(jobsOf(await takeDeliveries(queue, 1)), [job]);
  });

  test("ack in another order than taken ends the right messages", async (queue) => {
    const jobs = makeJobs(4);
    await queue.publish(jobs);
    const deliveries = await takeDeliveries(queue, 4);
    await queue.ack([deliveries[2]!, deliveries[0]!]);
    await queue.nack([deliveries[1]!, deliveries[3]!]);
    const ids = jobsOf(await takeDeliveries(queue, 2)).map((job) => job.id);
    assert.deepEqual(ids.sort(), [jobs[1]!.id, jobs[3]!.id]);
  });

  test("nack brings a message back, as often as it is nacked", async (queue) => {
    const job = makeJob();
    await queue.publish([job]);
    for (let round = 0; round < 5; round++) {
      const deliveries = await takeDeliveries(queue, 1);
      assert.deepEqual(jobsOf(deliveries), [job]);
      assert.equal(deliveries[0]!.isForeign, false);
      await queue.nack(deliveries);
    }
  });

  test("nack wakes a take that waits", async (queue) => {
    const job = makeJob();
    await queue.publish([job]);
    const deliveries = await takeDeliveries(queue, 1);
    const taking = takeDeliveries(queue, 1);
    await queue.nack(deliveries);
    assert.deepEqual(jobsOf(await taking), [job]);
  });

  test("ack or nack of an ended delivery leaves its redelivery alone", async (queue) => {
    const job = makeJob();
    await queue.publish([job]);
    const ended = await takeDeliveries(queue, 1);
    await queue.nack(ended);
    await queue.ack(ended);
    const again = await takeDeliveries(queue, 1);
    await queue.nack(ended);
    await queue.ack(ended);
    await queue.nack(again);
    assert.deepEqual(jobsOf(await takeDeliveries(queue, 1)), [job]);
  });

  test("nack puts messages back to the front in their old order", async (queue) => {
    const jobs = makeJobs(6);
    await queue.publish(jobs);
    const [a, b, c] = await takeDeliveries(queue, 4) as [Delivery, Delivery, Delivery, Delivery];
    await queue.nack([c, a, b]);
    const deliveries = await takeDeliveries(queue, 5);
    assert.deepEqual(jobsOf(deliveries), [...jobs.slice(0, 3), ...jobs.slice(4)]);
  }, { exception: nackOrder });

  test("nack one by one keeps the old order too", async (queue) => {
    const jobs = makeJobs(4);
    await queue.publish(jobs);
    const [a, b, c] = await takeDeliveries(queue, 3) as [Delivery, Delivery, Delivery];
    for (const delivery of [b, a, c]) await queue.nack([delivery]);
    assert.deepEqual(jobsOf(await takeDeliveries(queue, 4)), jobs);
  }, { exception: nackOrder });

  test("no message is lost or doubled between publishers and a consumer at once", async (queue) => {
    const jobs = makeJobs(300);
    const taken: string[] = [];
    const nacked = new Set<string>();
    const consume = async () => {
      while (taken.length < jobs.length) {
        const deliveries = await takeDeliveries(queue, Math.min(7, jobs.length - taken.length));
        const [first, ...rest] = deliveries;
        if (nacked.has(first!.job.id)) rest.unshift(first!);
        else await queue.nack([first!]);
        nacked.add(first!.job.id);
        taken.push(...rest.map((delivery) => delivery.job.id));
        await queue.ack(rest);
      }
    };
    const publish = async (from: number) => {
      for (let i = from; i < jobs.length; i += 3) await queue.publish([jobs[i]!]);
    };
    await Promise.all([consume(), publish(0), publish(1), publish(2)]);
    assert.deepEqual(taken.sort(), jobs.map((job) => job.id));
  });
}
