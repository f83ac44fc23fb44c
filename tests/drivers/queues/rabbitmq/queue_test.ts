import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Message } from "amqplib";
import { openRabbitmqQueue } from "../../../../drivers/queues/rabbitmq/queue.ts";
import type { Job } from "../../../../src/jobs/job.ts";
import { flushLogs } from "../../../../src/log/log.ts";
import type { Queue } from "../../../../src/jobs/queue.ts";
import { queueConformance } from "../../../conformance/queue.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { eventually } from "../../../testing/eventually.ts";
import { makeJob, makeJobs } from "../../../testing/make_job.ts";
import { testNeeding } from "../../../testing/needs.ts";
import { withChannel } from "../../../testing/rabbitmq_channel.ts";
import { RabbitmqServer } from "../../../testing/rabbitmq_server.ts";
import { takeDeliveries } from "../../../testing/take_deliveries.ts";
import { within } from "../../../testing/within.ts";

const never = new AbortController().signal;
const unavailable = { name: "ValetError", code: "unavailable" };

const declare = testNeeding("rabbitmq");
let server: RabbitmqServer;
declare.beforeAll(async () => void (server = await RabbitmqServer.shared()));

queueConformance({
  name: "rabbitmq",
  declare,
  isShared: true,
  open: () => open(crypto.randomUUID(), { prefetch: 1000 }),
  exceptions: {
    bound: "nothing bounds a queue of RabbitMQ",
    nackOrder: "RabbitMQ has sent later messages ahead when one is given back",
  },
});

function open(queueName: string, options: Record<string, unknown> = {}): Promise<Queue> {
  return openRabbitmqQueue({ uri: server.uri, queueName, ...options });
}

/** Declares a test with a queue name of its own. */
function test(promise: string, body: (queueName: string) => Promise<void>): void {
  declare(`rabbitmq queue: ${promise}`, () => body(`${promise} ${crypto.randomUUID()}`));
}

function waitForRoom(queue: Queue): Promise<void> {
  const room = new Promise<void>((resolve) => queue.onRoom(resolve));
  return within(room, "the queue to be in reach");
}

function idsOf(jobs: readonly { readonly job: Job }[]): string[] {
  return jobs.map(({ job }) => job.id).sort();
}

test("a message of another process is foreign, one of its own is not", async (queueName) => {
  const one = await open(queueName);
  await one.publish(makeJobs(2));
  const own = await takeDeliveries(one, 1);
  assert.equal(own[0]!.isForeign, false);
  await one.close();
  const other = await open(queueName);
  const deliveries = await takeDeliveries(other, 2);
  assert.deepEqual(deliveries.map(({ isForeign }) => isForeign), [true, true]);
  await other.close();
});

for (const prefetch of [3, 400]) {
  test(`two consumers share the messages, of which one has ${prefetch} at a time`, async (queueName) => {
    const one = await open(queueName, { prefetch });
    const jobs = makeJobs(prefetch * 2 + 1);
    await one.publish(jobs);
    const ofOne = await takeDeliveries(one, prefetch);
    assert.deepEqual(ofOne.map(({ job }) => job), jobs.slice(0, prefetch));
    const other = await open(queueName, { prefetch: 1000 });
    const ofOther = await takeDeliveries(other, prefetch + 1);
    assert.deepEqual(ofOther.map(({ job }) => job), jobs.slice(prefetch));
    await other.nack(ofOther);
    await other.close();
    await one.ack(ofOne.slice(1));
    const rest = await takeDeliveries(one, prefetch - 1);
    await one.ack([...rest, ...ofOne]);
    assert.deepEqual(idsOf([...rest, ...await takeDeliveries(one, 2)]), idsOf(ofOther));
    await one.close();
  });
}

test("close gives back what was not acked, and every ack before it counts", async (queueName) => {
  const one = await open(queueName);
  const jobs = makeJobs(50);
  await one.publish(jobs);
  const deliveries = await takeDeliveries(one, 40);
  await one.ack(deliveries.filter((_, index) => index % 2 === 0));
  await one.close();
  const other = await open(queueName);
  const left = jobs.filter((_, index) => index % 2 === 1 || index >= 40);
  assert.deepEqual((await takeDeliveries(other, 30)).map(({ job }) => job), left);
  assert.equal(await other.depth(), 0);
  await other.close();
});

test("more than fits into the write buffer is published", async (queueName) => {
  const queue = await open(queueName, { prefetch: 1000 });
  const paramsJson = JSON.stringify({ text: "x".repeat(1024 * 1024) });
  const large = makeJobs(40, { paramsJson });
  const small = makeJobs(3000);
  await Promise.all([queue.publish(large), queue.publish(small), queue.publish(makeJobs(1))]);
  const counts = { large: 0, small: 0 };
  for (let left = 3041; left > 0;) {
    const deliveries = await queue.take(left, never);
    for (const { job } of deliveries) counts[job.paramsJson === undefined ? "small" : "large"]++;
    await queue.ack(deliveries);
    left -= deliveries.length;
  }
  assert.deepEqual(counts, { large: 40, small: 3001 });
  await queue.close();
});

for (const durable of [true, false]) {
  test(`messages are ${durable ? "persistent" : "transient"} with durable: ${durable}`, async (queueName) => {
    await withChannel(server.uri, async (channel) => {
      // A consumer that comes first: the driver's gets nothing.
      await channel.assertQueue(queueName, { durable });
      const messages: Message[] = [];
      await channel.consume(queueName, (message) => message && messages.push(message), {
        noAck: true,
        priority: 10,
      });
      const queue = await open(queueName, { durable });
      const job = makeJob();
      await queue.publish([job]);
      await queue.close();
      const { properties } = await eventually("the message", () => messages[0]);
      assert.equal(properties.deliveryMode, durable ? 2 : 1);
      assert.equal(properties.messageId, job.id);
      assert.equal(properties.contentType, "application/json");
      assert.equal(properties.type, "valet.job.v1");
    });
  });
}

test("a queue that is deleted under the consumer is set up again, as after an outage", async (queueName) => {
  await using logs = new CapturedLogs();
  const queue = await open(queueName);
  const taking = queue.take(1, never);
  await withChannel(server.uri, (channel) => channel.deleteQueue(queueName));
  await logs.waitFor({ level: "error", component: "rabbitmq" });
  await waitForRoom(queue);
  const job = makeJob();
  await queue.publish([job]);
  assert.deepEqual((await taking)[0]!.job, job);
  await queue.close();
  await flushLogs();
  assert.deepEqual(
    logs.lines.filter(({ component }) => component === "rabbitmq").map(({ level, reason }) => [
      level,
      reason,
    ]),
    [
      ["error", `the connection to RabbitMQ was lost: the queue ${queueName} was deleted`],
      ["info", undefined],
    ],
  );
});

test("publish to a queue that is deleted again and again is unavailable or heard of", async (queueName) => {
  await using _logs = new CapturedLogs();
  const queue = await open(queueName);
  await withChannel(server.uri, async (channel) => {
    for (let round = 0; round < 10; round++) {
      const deleting = channel.deleteQueue(queueName);
      const publishes = makeJobs(20).map((job) => queue.publish([job]));
      for (const outcome of await Promise.allSettled(publishes)) {
        if (outcome.status === "rejected") assert.equal(outcome.reason.code, "unavailable");
      }
      await deleting;
    }
  });
  // The driver may not have heard of the last deletion.
  const job = makeJob();
  await eventually("a publish", async () => {
    await waitForRoom(queue);
    return await queue.publish([job]).then(() => true, () => false);
  });
  for (let isThere = false; !isThere;) {
    const deliveries = await queue.take(100, never);
    await queue.ack(deliveries);
    isThere = deliveries.some((delivery) => delivery.job.id === job.id);
  }
  await queue.close();
});

test("deletedWhenUnused: the queue ends with its last consumer", async (queueName) => {
  const options = { deletedWhenUnused: true };
  const queue = await open(queueName, options);
  await queue.publish(makeJobs(3));
  await queue.close();
  const next = await open(queueName, options);
  assert.equal(await next.depth(), 0);
  await next.close();
});

test("nowait: the queue is declared as it should be", async (queueName) => {
  const options = { nowait: true, durable: true };
  const queue = await open(queueName, options);
  const job = makeJob();
  await queue.publish([job]);
  assert.deepEqual((await takeDeliveries(queue, 1))[0]!.job, job);
  assert.equal(await queue.depth(), 0);
  await queue.close();
  await assert.rejects(open(queueName, { nowait: true }), { code: "invalid_config" });
});

test("exclusive: a second process waits until the first has gone", async (queueName) => {
  const options = { exclusive: true };
  const one = await open(queueName, options);
  const job = makeJob();
  await one.publish([job]);
  assert.deepEqual((await takeDeliveries(one, 1))[0]!.job, job);
  await assert.rejects(open(queueName, options), {
    ...unavailable,
    message: `Cannot use the queue ${queueName}: it is exclusive and another connection has it`,
  });
  await one.close();
  const other = await open(queueName, options);
  assert.equal(await other.depth(), 0);
  await other.close();
});

test("open says what the broker refuses, and never the password", async (queueName) => {
  const password = "Pa55%word";
  await server.control("add_user", "restricted", password);
  await server.control("set_permissions", "restricted", "nothing", "nothing", "nothing");
  const host = `127.0.0.1:${server.port}`;
  const encoded = encodeURIComponent(password);
  const cases = [
    [`amqp://restricted:${encoded}@${host}`, "invalid_config", /may not use the queue/],
    [`amqp://restricted:${encoded}x@${host}`, "invalid_config", /refuses the user or the pass/],
    [`amqp://restricted:${encoded}@${host}/none`, "invalid_config", /not open the vhost none to/],
    [`amqp://restricted:${encoded}@127.0.0.1:1`, "unavailable", /at 127.0.0.1:1: .*ECONNREFUSED/],
    [`amqps://restricted:${encoded}@${host}`, "unavailable", /^Cannot reach RabbitMQ at/],
    [`amqp://restricted:${encoded}@none.invalid`, "unavailable", /none.invalid:5672: /],
    [`amqp://restricted:${password}@${host}`, "invalid_config", /begins no percent-encoded/],
    [`http://restricted:${encoded}@${host}`, "invalid_config", /not begin with amqp:\/\/ or amqps/],
    [`restricted:${encoded}@${host}`, "invalid_config", /RABBITMQ_URI does not begin with amqp/],
    [
      `amqp://restricted:${encoded}/@${host}`,
      "invalid_config",
      /read in more than one way: .* %40/,
    ],
    [`amqp://restricted:5/${password}@${host}`, "invalid_config", /read in more than one way/],
    [`"amqp://restricted:${encoded}@${host}"`, "invalid_config", /RABBITMQ_URI stands in quotes/],
    [`amqp:///${encoded}`, "invalid_config", /names no host; write it as amqp:/],
    [`amqp://restricted:${encoded}@${host},`, "invalid_config", /names no host/],
    [
      `amqp://restricted:${encoded}@${host}?verify=none`,
      "invalid_config",
      /the parameter "verify"/,
    ],
    [undefined, "invalid_config", /set RABBITMQ_URI to .* Docker secret/],
  ] as const;
  for (const [uri, code, message] of cases) {
    await assert.rejects(open(queueName, { uri }), (error: Error) => {
      assert.match(error.message, message, String(uri));
      assert.equal((error as Error & { code: string }).code, code, String(uri));
      const shown = Deno.inspect(error);
      assert.ok(!shown.includes(password) && !shown.includes(encoded), shown);
      return true;
    });
  }
  await server.control("delete_user", "restricted");
});

for (
  const [options, message] of [
    [7, "its options are 7; an object such as { prefetch: 64 } is allowed"],
    [{ prefetch: 65_536 }, "prefetch is 65536; at most 65535 is allowed"],
    [{ durable: "yes" }, 'durable is "yes"; true or false is allowed'],
    [{ queueName: "" }, 'queueName is ""; 1 to 255 ASCII characters are allowed'],
  ] as const
) {
  Deno.test(`openRabbitmqQueue: refuses ${JSON.stringify(options)}`, async () => {
    const given = typeof options === "object" ? { uri: "amqp://localhost", ...options } : options;
    await assert.rejects(openRabbitmqQueue(given), {
      code: "invalid_config",
      message: `Cannot open the rabbitmq job queue: ${message}`,
    });
  });
}

test("messages that are no jobs are rejected and counted in the log, and no job is", async (queueName) => {
  await using logs = new CapturedLogs();
  const deadLetters = `${queueName} dead`;
  const job = { ...makeJob() };
  const text = JSON.stringify(job);
  const withField = (name: string, value: unknown) => JSON.stringify({ ...job, [name]: value });
  const type = "valet.job.v1";
  const poison: readonly (readonly [content: string | Uint8Array, type: string | undefined])[] = [
    [text, undefined],
    [text, "valet.job.v2"],
    ["", type],
    ["\0", type],
    [new Uint8Array([0xff, 0xfe, 0x80]), type],
    [crypto.getRandomValues(new Uint8Array(65_536)), type],
    ["x".repeat(1024 * 1024), type],
    ["[".repeat(200_000), type],
    ["null", type],
    ["[]", type],
    ['"a job"', type],
    ["{}", type],
    [text.slice(0, -1), type],
    ['{"ID":"6c1a...","Name":"a job","Status":1}', undefined],
    [withField("id", 7), type],
    [withField("id", "../../etc/passwd"), type],
    [withField("id", [job.id]), type],
    [withField("name", undefined), type],
    [withField("name", { toString: "x" }), type],
    [withField("description", null), type],
    [withField("taskName", 1), type],
    [withField("paramsJson", { a: 1 }), type],
    [withField("paramsJson", "{"), type],
    [withField("paramsJson", "[]"), type],
    [withField("timeoutMs", -1), type],
    [withField("timeoutMs", 1e300), type],
    [withField("runAtMs", "tomorrow"), type],
    [withField("status", "DONE"), type],
    [withField("status", "IN_PROGRESS"), type],
    [withField("status", "COMPLETED"), type],
    [withField("status", "FAILED"), type],
    [withField("runAtMs", job.createdAtMs), type],
    [withField("createdAtMs", 1.5), type],
    [withField("attempt", "0"), type],
    [withField("fence", null), type],
    [withField("crashes", undefined), type],
  ];
  await withChannel(server.uri, async (channel) => {
    await channel.assertQueue(deadLetters, { durable: false, exclusive: true });
    await channel.assertQueue(queueName, { durable: false });
    const queue = await open(queueName);
    for (const [index, [content, type]] of poison.entries()) {
      channel.sendToQueue(queueName, Buffer.from(content), {
        messageId: `poison ${index}`,
        ...(type !== undefined && { type }),
      });
    }
    channel.sendToQueue(queueName, Buffer.from(`\uFEFF${text}`), { type, messageId: "good" });
    const [delivery] = await takeDeliveries(queue, 1);
    assert.deepEqual(delivery!.job, job);
    assert.equal(delivery!.isForeign, true);
    assert.equal(await queue.depth(), 0);
    await queue.close();
    await channel.deleteQueue(queueName);
  });
  await flushLogs();
  const told = logs.lines.filter(({ component }) => component === "rabbitmq");
  assert.equal(told.reduce((sum, { count }) => sum + Number(count), 0), poison.length);
  assert.ok(told.length < poison.length);
  const [{ level, message_id, exchange, routing_key } = {}] = told;
  assert.deepEqual([level, message_id, exchange], ["error", "poison 0", ""]);
  assert.match(String(routing_key), /^.{1,255}$/);
  assert.ok(told.every(({ reason, bytes }) => String(reason).length < 200 && Number(bytes) >= 0));
});

test("a message that is no job goes to the dead letters of its queue", async (queueName) => {
  await using _logs = new CapturedLogs();
  const deadLetters = `${queueName} dead`;
  await server.control(
    "set_policy",
    "dead",
    `^${queueName}$`,
    JSON.stringify({ "dead-letter-exchange": "", "dead-letter-routing-key": deadLetters }),
  );
  await withChannel(server.uri, async (channel) => {
    await channel.assertQueue(deadLetters, { durable: false, exclusive: true });
    const queue = await open(queueName);
    channel.sendToQueue(queueName, Buffer.from("no job"));
    const message = await eventually("the dead letter", () => channel.get(deadLetters));
    assert.equal(message.content.toString(), "no job");
    assert.equal(await queue.depth(), 0);
    await queue.close();
  });
  await server.control("clear_policy", "dead");
});
