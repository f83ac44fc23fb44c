import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import { parseConfig } from "../../../src/config/config.ts";
import { ValetError } from "../../../src/errors.ts";
import { flushLogs } from "../../../src/log/log.ts";
import { type Node, type NodeParts, openNode } from "../../../src/node/node.ts";
import { describeTable } from "../../testing/describe_table.ts";
import { runnerCommand } from "../../fixtures/main.ts";
import { tasks } from "../../fixtures/tasks/mod.ts";
import { fixtureWorkerUrl } from "../../testing/pool_probe.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { replaceMethods } from "../../testing/replace_methods.ts";
import { within } from "../../testing/within.ts";

async function makeParts(settings: Record<string, unknown> = {}): Promise<NodeParts> {
  const text = JSON.stringify({
    port: 0,
    logging_format: "json",
    server: { host: "127.0.0.1" },
    worker_pool: { concurrency: 1 },
    ...settings,
  });
  return {
    config: await parseConfig(text, "config.yaml"),
    tasks: describeTable(tasks),
    repository: await openMemoryRepository(),
    queue: await openMemoryQueue(),
    build: { version: "1.2.3", commit: "abc", buildTime: "2022-06-06T15:04:05Z" },
    workerUrl: fixtureWorkerUrl,
    runnerCommand,
    onExhausted: () => {},
    onDeaf: () => {},
  };
}

/** Sends a request to the node; what it answered. */
async function ask(
  { port }: Node,
  path: string,
  body?: unknown,
  // deno-lint-ignore no-explicit-any -- each test knows the shape that it checks
): Promise<{ status: number; json: any }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: body === undefined ? "GET" : "POST",
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: text === "" ? undefined : JSON.parse(text) };
}

Deno.test("openNode listens on a free port and tells its state", async () => {
  const node = await openNode(await makeParts());
  try {
    assert.ok(node.port > 0);
    assert.equal(node.hostname, "127.0.0.1");
    const { status, json } = await ask(node, "/status");
    assert.equal(status, 200);
    const { time, uptime, workers, ...rest } = json;
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
    assert.ok(uptime >= 0);
    assert.deepEqual({ ...workers, started: 0 }, {
      isolation: "worker",
      concurrency: 1,
      busy: 0,
      idle: 1,
      waiting: 0,
      started: 0,
      lost: 0,
      runaways: 0,
      quarantined_tasks: [],
      unloadable_tasks: [],
    });
    assert.deepEqual(rest, {
      version: "1.2.3",
      commit: "abc",
      build_time: "2022-06-06T15:04:05Z",
      stopping: false,
      repository: {
        driver: "memory",
        healthy: true,
        jobs: { PENDING: 0, SCHEDULED: 0, IN_PROGRESS: 0, COMPLETED: 0, FAILED: 0 },
      },
      queue: { driver: "memory", healthy: true, room: 100 },
      scheduler: {},
    });
    assert.equal((await ask(node, "/health/ready")).status, 200);
  } finally {
    await node.stop();
  }
});

Deno.test("openNode tells of a queue that is lost while the repository counts its jobs", async () => {
  const parts = await makeParts();
  let isAsked = false;
  let isLost = false;
  const lose = async () => {
    // A server answers in another turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve));
    // The scheduler counts as well: that is too early.
    isLost = isAsked;
    return await parts.repository.count();
  };
  const node = await openNode({
    ...parts,
    repository: replaceMethods(parts.repository, { count: lose }),
    queue: replaceMethods(parts.queue, {
      health() {
        isAsked = true;
        return parts.queue.health();
      },
      room() {
        if (isLost) throw new ValetError("unavailable", "the broker is lost");
        return 7;
      },
    }),
  });
  const { status, json } = await ask(node, "/status");
  await node.stop();
  assert.equal(status, 200);
  assert.equal(json.queue.room, 7);
});

Deno.test("openNode runs a job at once and another at its time", async () => {
  await using logs = new CapturedLogs();
  const node = await openNode(await makeParts());
  try {
    const task_params = { hello: "world" };
    const now = await ask(node, "/jobs", { name: "now", task_name: "ok", task_params });
    assert.equal(now.status, 202);
    const run_at = new Date(Date.now() + 300).toISOString();
    const later = await ask(node, "/jobs", { name: "later", task_name: "ok", run_at });
    assert.equal(later.status, 202);
    for (const { json } of [now, later]) {
      await logs.waitFor({ message: "job completed", job_id: json.id });
    }
    const results = await ask(node, `/jobs/${now.json.id}/results`);
    assert.deepEqual(results.json, { job_id: now.json.id, metadata: task_params });
    const job = (await ask(node, `/jobs/${later.json.id}`)).json;
    assert.ok(Date.parse(job.started_at) >= Date.parse(run_at), "it ran early");
  } finally {
    await node.stop();
  }
});

Deno.test("openNode tells in /status when the next job is due, and aborts a job that is deleted", async () => {
  await using logs = new CapturedLogs();
  const node = await openNode(await makeParts());
  try {
    const run_at = "9999-12-31T23:59:59.000Z";
    const stored = await ask(node, "/jobs", { name: "far", task_name: "ok", run_at });
    assert.equal(stored.status, 202);
    assert.equal((await ask(node, "/status")).json.scheduler.next_run_at, run_at);

    const { json } = await ask(node, "/jobs", { name: "x", task_name: "waits_for_signal" });
    await logs.waitFor({ message: "waiting", job_id: json.id });
    const deleted = await fetch(`http://127.0.0.1:${node.port}/jobs/${json.id}`, {
      method: "DELETE",
    });
    assert.equal(deleted.status, 204);
    await deleted.body?.cancel();
    await logs.waitFor({ reason: "the job was deleted", job_id: json.id });
    assert.equal((await ask(node, `/jobs/${json.id}`)).status, 404);
  } finally {
    await node.stop();
  }
});

Deno.test("Node.stop refuses new requests, closes the drivers and ends soon where nothing runs", async () => {
  const parts = await makeParts({ server: { host: "127.0.0.1", shutdown_grace: 60 } });
  const node = await openNode(parts);
  await ask(node, "/health/live");
  await within(node.stop(), "the stop");
  await assert.rejects(fetch(`http://127.0.0.1:${node.port}/health/live`));
  assert.equal((await parts.repository.health()).isHealthy, false);
  assert.equal((await parts.queue.health()).isHealthy, false);
});

Deno.test("Node.stop gives a job back that does not end within the grace", async () => {
  await using logs = new CapturedLogs();
  const parts = await makeParts({
    timeout_unit: "millisecond",
    server: { host: "127.0.0.1", shutdown_grace: 50 },
    worker_pool: { concurrency: 1, kill_grace: 50 },
  });
  const node = await openNode(parts);
  const { json } = await ask(node, "/jobs", { name: "x", task_name: "hangs" });
  await logs.waitFor({ message: "waiting", job_id: json.id });
  await within(node.stop(), "the stop");
  await logs.waitFor({ message: "gave a job back", job_id: json.id });
  await logs.waitFor({ message: "stopped" });
  assert.equal(logs.lines.at(-1)?.["message"], "stopped");
});

Deno.test("Node.stop gives jobs back also while the scheduler waits for a store", async () => {
  await using logs = new CapturedLogs();
  const parts = await makeParts({
    timeout_unit: "millisecond",
    server: { host: "127.0.0.1", shutdown_grace: 50 },
    worker_pool: { concurrency: 1, kill_grace: 50 },
  });
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let isSlow = false;
  const repository = replaceMethods(parts.repository, {
    async find(query) {
      if (isSlow) {
        asked.resolve();
        await answered.promise;
      }
      return await parts.repository.find(query);
    },
  });
  const node = await openNode({ ...parts, repository });
  const { json } = await ask(node, "/jobs", { name: "x", task_name: "hangs" });
  await logs.waitFor({ message: "waiting", job_id: json.id });
  isSlow = true;
  await ask(node, "/jobs", { name: "x", task_name: "hangs", run_at: "2130-01-01T00:00:00Z" });
  await within(asked.promise, "a pass of the scheduler");
  const stopped = node.stop();
  await logs.waitFor({ message: "gave a job back", job_id: json.id });
  answered.resolve();
  await within(stopped, "the stop");
});

Deno.test("openNode says where it cannot listen, and leaves nothing running", async () => {
  const first = await openNode(await makeParts());
  try {
    const failures = [
      [{ port: first.port }, `port ${first.port} of server.host 127.0.0.1: the port is in use`],
      [
        { port: 0, server: { host: "192.0.2.1" } },
        "port 0 of server.host 192.0.2.1: this machine has no such address; set server.host to one",
      ],
      [
        { port: 0, server: { host: "no-host.invalid" } },
        "port 0 of server.host no-host.invalid: no address of that name is known; set server.host",
      ],
    ] as const;
    for (const [settings, problem] of failures) {
      const parts = await makeParts(settings);
      await assert.rejects(openNode(parts), (error) => {
        assert.ok(error instanceof ValetError);
        assert.equal(error.code, "failed_precondition");
        assert.ok(error.message.startsWith(`Cannot listen on ${problem}`), error.message);
        return true;
      });
      // The sanitizers of the test would find what it left: timers, listeners, a take that waits.
      await parts.queue.close();
      await parts.repository.close();
    }
  } finally {
    await first.stop();
  }
});

Deno.test("Nodes may be opened and stopped one after the other and side by side", async () => {
  for (let round = 0; round < 2; round++) {
    const nodes = [await openNode(await makeParts()), await openNode(await makeParts())];
    assert.notEqual(nodes[0]!.port, nodes[1]!.port);
    for (const node of nodes) assert.equal((await ask(node, "/health/live")).status, 200);
    await Promise.all(nodes.map((node) => node.stop()));
  }
  await flushLogs();
});
