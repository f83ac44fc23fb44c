// A broker that takes no message of more than 64 KiB: what it refuses harms nothing else.

import assert from "node:assert/strict";
import { openRabbitmqQueue } from "../../../../drivers/queues/rabbitmq/queue.ts";
import type { Queue } from "../../../../src/jobs/queue.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { makeJob, makeJobs } from "../../../testing/make_job.ts";
import { testNeeding } from "../../../testing/needs.ts";
import { RabbitmqServer } from "../../../testing/rabbitmq_server.ts";
import { takeDeliveries } from "../../../testing/take_deliveries.ts";

const maxBytes = 65_536;
const large = () => makeJob({ paramsJson: JSON.stringify("x".repeat(maxBytes)) });
const refused = {
  code: "too_large",
  message: /^Cannot publish the job \S+: its message has 6\d{4} bytes; .* allows 65536$/,
};

const declare = testNeeding("rabbitmq");
let server: RabbitmqServer;
declare.beforeAll(async () => {
  server = await RabbitmqServer.start([`max_message_size = ${maxBytes}`]);
});
declare.afterAll(() => server[Symbol.asyncDispose]());

/** Declares a test with a queue of its own; no connection may be lost in it. */
function test(promise: string, body: (queue: Queue) => Promise<void>): void {
  declare(`rabbitmq queue: ${promise}`, async () => {
    await using logs = new CapturedLogs();
    const queue = await openRabbitmqQueue({ uri: server.uri, queueName: promise });
    try {
      await body(queue);
      assert.deepEqual(await queue.health(), { isHealthy: true });
      assert.deepEqual(logs.lines.filter(({ level }) => level === "error"), []);
    } finally {
      await queue.close();
    }
  });
}

test("a message that the broker refuses is too_large, and the queue goes on", async (queue) => {
  for (let round = 0; round < 3; round++) await assert.rejects(queue.publish([large()]), refused);
  const jobs = makeJobs(3);
  await queue.publish(jobs);
  const taken = await takeDeliveries(queue, 3);
  assert.deepEqual(taken.map(({ job }) => job), jobs);
});

test("a message that the broker refuses harms none of the calls beside it", async (queue) => {
  const jobs = makeJobs(300);
  const calls = jobs.map((job, i) => queue.publish([i % 100 === 50 ? large() : job]));
  const answers = await Promise.allSettled(calls);
  const good = jobs.filter((_, i) => i % 100 !== 50);
  for (const [i, answer] of answers.entries()) {
    assert.equal(answer.status, i % 100 === 50 ? "rejected" : "fulfilled", `call ${i}`);
  }
  const wanted = new Set(good.map(({ id }) => id));
  while (wanted.size > 0) {
    const taken = await takeDeliveries(queue, 1);
    await queue.ack(taken);
    for (const { job } of taken) wanted.delete(job.id);
  }
});

test("a call with one message that the broker refuses is rejected as a whole", async (queue) => {
  await assert.rejects(queue.publish([...makeJobs(5), large(), ...makeJobs(5)]), refused);
});

test("a queue can be closed right after a refusal", async (queue) => {
  const publishing = queue.publish([large()]);
  await assert.rejects(publishing, refused);
});
