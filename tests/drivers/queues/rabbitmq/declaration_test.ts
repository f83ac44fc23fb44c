// How the queue is declared at the broker (type, arguments, passive), and which broker of several is used.

import assert from "node:assert/strict";
import { openError } from "../../../../drivers/queues/rabbitmq/errors.ts";
import { parseRabbitmqOptions } from "../../../../drivers/queues/rabbitmq/options.ts";
import {
  checkRabbitmqQueue,
  connectRabbitmqQueue,
  openRabbitmqQueue,
} from "../../../../drivers/queues/rabbitmq/queue.ts";
import type { Queue } from "../../../../src/jobs/queue.ts";
import { queueConformance } from "../../../conformance/queue.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { Door } from "../../../testing/door.ts";
import { eventually } from "../../../testing/eventually.ts";
import { freePort } from "../../../testing/free_port.ts";
import { makeJobs } from "../../../testing/make_job.ts";
import { testNeeding } from "../../../testing/needs.ts";
import { skipOnOldRuntime } from "../../../testing/old_runtime.ts";
import { withChannel } from "../../../testing/rabbitmq_channel.ts";
import { RabbitmqServer } from "../../../testing/rabbitmq_server.ts";
import { takeDeliveries } from "../../../testing/take_deliveries.ts";

const declare = testNeeding("rabbitmq");
let server: RabbitmqServer;
declare.beforeAll(async () => {
  server = await RabbitmqServer.shared();
});

/** Declares a test with a queue name of its own; the queue is deleted. */
function test(
  promise: string,
  body: (queueName: string) => Promise<void>,
  oldestDeno?: string,
): void {
  const reason = "a connection that is being read stays open behind its close";
  declare(skipOnOldRuntime(`rabbitmq queue: ${promise}`, reason, oldestDeno), async () => {
    // Short: what the broker says of it has 255 bytes.
    const queueName = `q${crypto.randomUUID()}`;
    try {
      await body(queueName);
    } finally {
      await withChannel(server.uri, (channel) => channel.deleteQueue(queueName));
    }
  });
}

function open(queueName: string, options: Record<string, unknown> = {}): Promise<Queue> {
  return openRabbitmqQueue({ uri: server.uri, queueName, ...options });
}

async function assertCarriesJobs(queue: Queue): Promise<void> {
  const jobs = makeJobs(20);
  await queue.publish(jobs);
  const deliveries = await takeDeliveries(queue, 20);
  assert.deepEqual(deliveries.map(({ job }) => job), jobs);
  await queue.ack(deliveries);
  await eventually("an empty queue", async () => await queue.depth() === 0);
}

const quorum = { queueType: "quorum", durable: true };

queueConformance({
  name: "rabbitmq quorum",
  isShared: true,
  declare,
  open: () => open(crypto.randomUUID(), { ...quorum, prefetch: 1000 }),
  exceptions: {
    bound: "nothing bounds a queue of RabbitMQ",
    nackOrder: "RabbitMQ has sent later messages ahead when one is given back",
  },
});

test("a quorum queue carries jobs, and gives back what was not acked", async (queueName) => {
  const queue = await open(queueName, quorum);
  await assertCarriesJobs(queue);
  const jobs = makeJobs(3);
  await queue.publish(jobs);
  await takeDeliveries(queue, 2);
  await queue.close();
  const again = await open(queueName, quorum);
  assert.equal((await takeDeliveries(again, 3)).length, 3);
  await again.close();
  const types = await server.control("list_queues", "name", "type", "durable");
  assert.match(types, new RegExp(`^${queueName}\tquorum\ttrue$`, "m"));
});

for (const nowait of [false, true]) {
  test(`the queue is declared with its arguments, nowait: ${nowait}`, async (queueName) => {
    const given = { "x-max-length": 100_000, "x-overflow": "reject-publish", "x-max-priority": 3 };
    const queue = await open(queueName, { arguments: given, nowait });
    await assertCarriesJobs(queue);
    await queue.close();
    // The same declaration is taken, and another one is not.
    await (await open(queueName, { arguments: given })).close();
    await assert.rejects(open(queueName, { arguments: { ...given, "x-max-length": 7 } }), {
      code: "invalid_config",
      message: new RegExp(
        `the queue ${queueName} exists with job_queue.rabbitmq.arguments.x-max-length: 100000, and ` +
          "the configuration says 7; set job_queue.rabbitmq.arguments.x-max-length to 100000, or " +
          "delete the queue$",
      ),
    });
  });
}

test("a queue that is full says so, has no room for a moment, and goes on", async (queueName) => {
  await using logs = new CapturedLogs();
  const given = { "x-max-length": 3, "x-overflow": "reject-publish" };
  const queue = await open(queueName, { arguments: given, prefetch: 1 });
  for (let round = 0; round < 2; round++) {
    await assert.rejects(queue.publish(makeJobs(20)), {
      code: "queue_full",
      message:
        `Cannot publish: the queue ${queueName} of RabbitMQ takes no more messages for now ` +
        "(x-max-length?); try again later",
    });
    assert.equal(queue.room(), 0);
    await new Promise<void>((resolve) => queue.onRoom(resolve));
    assert.equal(queue.room(), Infinity);
    assert.deepEqual(await queue.health(), { isHealthy: true });
    while (await queue.depth() > 0) await queue.ack(await takeDeliveries(queue, 1));
    const [job] = makeJobs(1);
    await queue.publish([job!]);
    const taken = await takeDeliveries(queue, 1);
    assert.deepEqual(taken.map((delivery) => delivery.job), [job]);
    await queue.ack(taken);
  }
  await queue.close();
  assert.deepEqual(logs.lines.filter(({ level }) => level !== "debug"), []);
});

const differences: readonly (readonly [
  there: Record<string, unknown>,
  wanted: Record<string, unknown>,
  message: RegExp,
])[] = [
  [
    { durable: true },
    {},
    /exists with job_queue.rabbitmq.durable: true, and the configuration says false; set /,
  ],
  [
    {},
    { durable: true },
    /says true; set job_queue.rabbitmq.durable to false, or delete the queue$/,
  ],
  [{ deletedWhenUnused: true }, {}, /set job_queue.rabbitmq.deleted_when_unused to true, or/],
  [
    { arguments: { "x-max-length": 7 } },
    {},
    /arguments.x-max-length: 7, .* says not set; set job_queue.rabbitmq.arguments.x-max-length to 7/,
  ],
  [
    { durable: true },
    quorum,
    /exists with job_queue.rabbitmq.queue_type: classic, and the configuration says quorum; set /,
  ],
  [
    quorum,
    { durable: true },
    /says classic; set job_queue.rabbitmq.queue_type to quorum, or delete the queue$/,
  ],
  [
    {},
    { arguments: { "x-message-ttl": 5 } },
    /x-message-ttl: not set, and .* says 5; leave out job_queue.rabbitmq.arguments.x-message-ttl/,
  ],
];
for (const [there, wanted, message] of differences) {
  const names = [there, wanted].map((options) => JSON.stringify(options)).join(" and ");
  test(`a queue that is declared otherwise is told: ${names}`, async (queueName) => {
    const queue = await open(queueName, there);
    await assert.rejects(open(queueName, wanted), { code: "invalid_config", message });
    await queue.close();
  });
}

const impossible: readonly (readonly [options: Record<string, unknown>, message: RegExp])[] = [
  [
    { ...quorum, arguments: { "x-max-priority": 5 } },
    /cannot have x-max-priority .*quorum.*; change or leave out job_queue.rabbitmq.arguments.x-max-p/,
  ],
  [
    { arguments: { "x-max-length": "many" } },
    /cannot have x-max-length: .*expected integer.*leave/,
  ],
];
for (const [options, message] of impossible) {
  test(`what the broker does not take is told: ${JSON.stringify(options)}`, async (queueName) => {
    await assert.rejects(open(queueName, options), { code: "invalid_config", message });
  });
}

test("passive takes the queue as it is, and declares none", async (queueName) => {
  await using logs = new CapturedLogs();
  await assert.rejects(open(queueName, { passive: true }), {
    code: "unavailable",
    message: `Cannot use the queue ${queueName}: it is not there, and with ` +
      "job_queue.rabbitmq.passive: true Valet does not declare it; declare it at the broker",
  });
  await withChannel(server.uri, async (channel) => {
    await channel.assertQueue(queueName, { durable: true, maxLength: 1000 });
    const queue = await open(queueName, { passive: true });
    await assertCarriesJobs(queue);
    await channel.deleteQueue(queueName);
    await eventually(
      "the loss to be told",
      async () => /passive: true/.test((await queue.health()).reason ?? ""),
    );
    await channel.assertQueue(queueName, { durable: false });
    await logs.waitFor({ level: "info", message: "RabbitMQ is back" });
    await assertCarriesJobs(queue);
    await queue.close();
  });
});

test("a queue that is gone before it is used is told in the broker's words", async (queueName) => {
  const thrown = await withChannel(server.uri, (channel) => {
    channel.on("error", () => {});
    return channel.consume(queueName, () => {});
  }).catch((thrown) => thrown);
  const options = parseRabbitmqOptions({ uri: server.uri, queueName });
  const { code, message } = openError(thrown, options, options.broker.places[0]!);
  assert.equal(code, "unavailable");
  assert.match(message, new RegExp(`^Cannot use the queue ${queueName}: NOT_FOUND - no queue`));
});

const refused: readonly (readonly [options: Record<string, unknown>, problem: string])[] = [
  [{ queueType: "stream" }, 'queueType is "stream"; "classic" or "quorum" is allowed'],
  [{ queueType: "quorum" }, "a quorum queue is durable; set job_queue.rabbitmq.durable: true"],
  [{ ...quorum, exclusive: true }, "a quorum queue cannot be exclusive"],
  [{ ...quorum, deletedWhenUnused: true }, "a quorum queue cannot be deleted_when_unused"],
  [
    { passive: true, nowait: true },
    "passive asks the broker for the queue, and nowait waits for no answer",
  ],
  [
    { passive: true, arguments: { "x-a": 1 } },
    "passive declares nothing, so arguments have no effect; leave one of them out",
  ],
  [
    { arguments: { "x-queue-type": "quorum" } },
    "arguments have x-queue-type; set queue_type, which is classic or quorum",
  ],
  ...[{ a: 1 }, { "x-a": 1.5 }, { "x-a": null }, ["x-a"], "x-a", null].map((given) =>
    [
      { arguments: given },
      `arguments are ${JSON.stringify(given)}; a mapping of names that begin with x- to texts, ` +
      "integers, true or false is allowed",
    ] as const
  ),
];
for (const [options, problem] of refused) {
  Deno.test(`openRabbitmqQueue: refuses ${JSON.stringify(options)}`, () => {
    assert.throws(() => checkRabbitmqQueue({ uri: "amqp://localhost", ...options }), {
      code: "invalid_config",
      message: `Cannot open the rabbitmq job queue: ${problem}`,
    });
  });
}

test("of several hosts the first that can be reached is used", async (queueName) => {
  const hosts = `127.0.0.1:1,127.0.0.1:${server.port}`;
  const queue = await open(queueName, { uri: `amqp://guest:guest@${hosts}` });
  await assertCarriesJobs(queue);
  await queue.close();
  await assert.rejects(open(queueName, { uri: "amqp://127.0.0.1:1,[::1]:2" }), {
    code: "unavailable",
    message: /^Cannot reach RabbitMQ at 127.0.0.1:1: .*; Cannot reach RabbitMQ at ::1:2: /,
  });
});

test(
  "a connection that is lost is replaced by one to the next host, round and round",
  async (queueName) => {
    await using logs = new CapturedLogs();
    let [first, second] = [new Door(server.port), new Door(server.port)];
    const hosts = `127.0.0.1:${first.port},127.0.0.1:${second.port},127.0.0.1:${freePort()}`;
    const queue = await open(queueName, { uri: `amqp://${hosts}` });
    for (let round = 0; round < 2; round++) {
      await first.shut();
      await logs.waitFor({ level: "info", message: "RabbitMQ is back" });
      await assertCarriesJobs(queue);
      logs.lines.length = 0;
      // The one that serves now is shut next, and the other one is open again.
      [first, second] = [second, new Door(server.port, first.port)];
    }
    await queue.close();
    await first.shut();
    await second.shut();
  },
  "2.9.6",
);

test("to try a broker ends in time where that does not answer the end", async (queueName) => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const uri = `amqp://127.0.0.1:${port}`;
  await Promise.all([
    carryAllButTheEnd(listener),
    assert.rejects(connectRabbitmqQueue({ uri, queueName }), {
      code: "unavailable",
      message: /^Cannot reach RabbitMQ at 127\.0\.0\.1:\d+: RabbitMQ did not answer within 2 s/,
    }),
  ]);
});

/** Leads one client to the server, and drops its request to close the connection. */
async function carryAllButTheEnd(listener: Deno.Listener): Promise<void> {
  const client = await listener.accept();
  listener.close();
  const broker = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const withoutEnd = new TransformStream<Uint8Array, Uint8Array>({
    transform(bytes, controller) {
      // Class 10, method 50, of AMQP 0-9-1.
      if (!bytes.toHex().includes("000a0032")) controller.enqueue(bytes);
    },
  });
  await Promise.allSettled([
    client.readable.pipeThrough(withoutEnd).pipeTo(broker.writable),
    broker.readable.pipeTo(client.writable),
  ]);
}
