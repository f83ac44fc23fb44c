import assert from "node:assert/strict";
import { openRabbitmqQueue } from "../../../../drivers/queues/rabbitmq/queue.ts";
import { flushLogs } from "../../../../src/log/log.ts";
import type { Queue } from "../../../../src/jobs/queue.ts";
import { CapturedLogs, type LoggedLine } from "../../../testing/captured_logs.ts";
import { Door } from "../../../testing/door.ts";
import { eventually } from "../../../testing/eventually.ts";
import { makeJob, makeJobs } from "../../../testing/make_job.ts";
import { testNeeding } from "../../../testing/needs.ts";
import { RabbitmqServer } from "../../../testing/rabbitmq_server.ts";
import { reportMeasurement } from "../../../testing/report_measurement.ts";
import { takeDeliveries } from "../../../testing/take_deliveries.ts";
import { within } from "../../../testing/within.ts";

const never = new AbortController().signal;
const unavailable = { name: "ValetError", code: "unavailable" };

const declare = testNeeding("rabbitmq");
let server: RabbitmqServer;
declare.beforeAll(async () => {
  server = await RabbitmqServer.start();
});
declare.afterAll(() => server[Symbol.asyncDispose]());

function open(options: Record<string, unknown> = {}): Promise<Queue> {
  return openRabbitmqQueue({ uri: server.uri, queueName: crypto.randomUUID(), ...options });
}

/** Declares a test with queues of its own; the outage of each must be told once each way. */
function test<Options extends Record<string, unknown>[]>(
  promise: string,
  options: [...Options],
  body: (queues: { [At in keyof Options]: Queue }, logs: CapturedLogs) => Promise<void>,
): void {
  declare(`rabbitmq outage: ${promise}`, async () => {
    await using logs = new CapturedLogs();
    const queues = await Promise.all(options.map((one) => open({ prefetch: 1000, ...one })));
    try {
      await body(queues as { [At in keyof Options]: Queue }, logs);
      await flushLogs();
      const told = logs.lines.filter(({ component, level }) =>
        component === "rabbitmq" && level !== "debug"
      );
      // One may be back before another one is lost.
      assert.deepEqual(told.map(({ level, message }) => [level, message]).sort(), [
        ...queues.map(() => ["error", "RabbitMQ is out of reach, trying again"]),
        ...queues.map(() => ["info", "RabbitMQ is back"]),
      ]);
      assert.ok(told[0]!.reason);
      assert.ok(!JSON.stringify(told).includes("guest"));
    } finally {
      for (const queue of queues) await queue.close();
    }
  });
}

/** Returns when the queue can be used again. */
function waitForRoom(queue: Queue): Promise<void> {
  const room = new Promise<void>((resolve) => queue.onRoom(resolve));
  return within(room, "the queue to be in reach", 60_000);
}

async function waitForTrouble(queue: Queue, reason: RegExp): Promise<void> {
  await eventually(
    `trouble like ${reason}`,
    async () => reason.test((await queue.health()).reason ?? ""),
  );
}

async function assertOutOfReach(queue: Queue): Promise<void> {
  assert.equal((await queue.health()).isHealthy, false);
  assert.throws(() => queue.room(), unavailable);
  await assert.rejects(queue.publish([makeJob()]), unavailable);
  await assert.rejects(queue.publish([]), unavailable);
}

/** When the broker accepts connections: now, or not yet. */
async function connectToServer(): Promise<number | undefined> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port: server.port })).close();
    return performance.now();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.ConnectionRefused) return undefined;
    throw thrown;
  }
}

/** A job that is published now is taken next. */
async function assertWorks(queue: Queue): Promise<void> {
  const job = makeJob();
  await queue.publish([job]);
  const deliveries = await takeDeliveries(queue, 1);
  assert.deepEqual(deliveries[0]!.job, job);
  await queue.ack(deliveries);
}

/** Fails where a call has failed with anything else than `unavailable`; the number of those that succeeded. */
async function countSuccesses(calls: readonly Promise<void>[]): Promise<number> {
  const outcomes = await within(Promise.allSettled(calls), "the calls to end");
  let count = 0;
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled") count++;
    else assert.equal(outcome.reason.code, "unavailable");
  }
  return count;
}

test(
  "after kill -9 a durable queue has its messages, a transient one is empty, and no call is left behind",
  [
    { durable: true },
    {},
  ],
  async ([durable, transient]) => {
    const jobs = makeJobs(5);
    // A broker that is killed in the second after a queue was declared may forget the queue, durable or not.
    await server.control("eval", "mnesia:sync_log().");
    await Promise.all([durable.publish(jobs), transient.publish(jobs)]);
    const old = await takeDeliveries(durable, 2);
    // Watched from the start: they may fail before the broker is seen to be gone.
    const counted = countSuccesses(
      Array.from({ length: 50 }, () => transient.publish(makeJobs(100))),
    );
    await server.kill();
    await counted;
    for (const queue of [durable, transient]) await waitForTrouble(queue, /ECONNREFUSED/);
    await assertOutOfReach(durable);
    await assert.rejects(durable.depth(), unavailable);
    await durable.ack(old);
    await durable.nack(old);
    const taking = durable.take(10, never);
    const listensAtMs = eventually("RabbitMQ to listen", connectToServer, 60_000);
    const [, inReachAtMs] = await Promise.all([
      server.startAgain(),
      waitForRoom(durable).then(() => performance.now()),
      waitForRoom(transient),
    ]);
    const waitedMs = inReachAtMs - await listensAtMs;
    reportMeasurement(`RabbitMQ was in use ${waitedMs.toFixed(0)} ms after it listened`);
    assert.ok(waitedMs < 2_000, `${waitedMs} ms`);
    const first = await taking;
    const deliveries = [...first, ...await takeDeliveries(durable, 5 - first.length)];
    assert.deepEqual(deliveries.map(({ job }) => job), jobs);
    assert.ok(deliveries.every(({ isForeign }) => !isForeign));
    // Their numbers are those of new deliveries now.
    await durable.ack(old);
    await durable.nack(deliveries);
    await takeDeliveries(durable, 5);
    await assertWorks(durable);
    assert.equal(await transient.depth(), 0);
    await assertWorks(transient);
  },
);

test(
  "connections that an operator closes come back, whatever the queue is",
  [{}, { exclusive: true }, { deletedWhenUnused: true }, { nowait: true }],
  async (queues, logs) => {
    await server.control("close_all_connections", "a test");
    const isBack = (line: LoggedLine) => line["message"] === "RabbitMQ is back";
    await eventually("all to be back", () => logs.lines.filter(isBack).length === queues.length);
    for (const queue of queues) await assertWorks(queue);
  },
);

const queueName = crypto.randomUUID();
test("publish fails while the broker is frozen, and is tried again after", [{
  queueName,
}], async ([queue]) => {
  // It refuses whatever was on its way, so that no confirm tells that it is back.
  const policy = JSON.stringify({ "max-length": 0, overflow: "reject-publish" });
  await server.control("set_policy", "full", `^${queueName}$`, policy);
  server.freeze();
  try {
    const publishes = makeJobs(100).map((job) => queue.publish([job]));
    assert.equal(await countSuccesses(publishes), 0);
    await waitForTrouble(queue, /RabbitMQ has confirmed no message for 5 seconds$/);
    await assertOutOfReach(queue);
  } finally {
    server.thaw();
  }
  await waitForRoom(queue);
  await assert.rejects(queue.publish([makeJob()]), { code: "queue_full" });
  await server.control("clear_policy", "full");
});

test("open, depth and close do not hang on a frozen broker", [{}], async ([queue]) => {
  const closing = await open();
  server.freeze();
  try {
    const depth = assert.rejects(queue.depth(), unavailable);
    const opening = assert.rejects(open(), {
      ...unavailable,
      message: /did not answer within 5 seconds/,
    });
    const taking = closing.take(1, never);
    const publishing = assert.rejects(closing.publish([makeJob()]), unavailable);
    await within(closing.close(), "close", 4_000);
    await publishing;
    assert.deepEqual(await taking, []);
    await Promise.all([depth, opening]);
    await waitForTrouble(queue, /RabbitMQ did not answer within 5 seconds$/);
  } finally {
    server.thaw();
  }
  await waitForRoom(queue);
  await assertWorks(queue);
});

declare("rabbitmq outage: close ends the tries to connect", async () => {
  await using _logs = new CapturedLogs();
  const door = new Door(server.port);
  const uri = server.uri.replace(`:${server.port}`, `:${door.port}`);
  const queues = [await open({ uri }), await open({ uri })] as const;
  await door.shut();
  await waitForTrouble(queues[0], /ECONNREFUSED/);
  await within(queues[0].close(), "close between two tries", 1_000);
  const silent = Deno.listen({ hostname: "127.0.0.1", port: door.port });
  const connection = await silent.accept();
  await within(queues[1].close(), "close in the middle of a try", 1_000);
  connection.close();
  silent.close();
});

test(
  "a broker short of memory takes no messages, and gives them",
  [{ durable: true, prefetch: 2 }],
  async ([queue]) => {
    await queue.publish(makeJobs(6));
    await server.control("set_vm_memory_high_watermark", "0.00001");
    try {
      await assert.rejects(queue.publish([makeJob()]), {
        ...unavailable,
        message: "Cannot publish: RabbitMQ takes no messages: low on memory",
      });
      await assertOutOfReach(queue);
      for (let round = 0; round < 3; round++) await queue.ack(await takeDeliveries(queue, 2));
    } finally {
      await server.control("set_vm_memory_high_watermark", "0.4");
    }
    await waitForRoom(queue);
    // It was on its way.
    await queue.ack(await takeDeliveries(queue, 1));
    await assertWorks(queue);
  },
);
