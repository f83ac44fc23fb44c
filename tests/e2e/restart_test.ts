// What is kept when a node ends, in order or by a crash: with a repository that outlives it everything, with
// one that does not what its broker holds.

import { strict as assert } from "node:assert";
import { HeldRequests } from "../testing/held_requests.ts";
import { startValet } from "../testing/start_valet.ts";
import {
  memoryQueueCapacity,
  type Stores,
  StoreServers,
  testOn,
} from "../testing/store_servers.ts";

/** More than a memory queue and the node's pool can hold: a queue in memory has had them one after another. */
const waitingCount = memoryQueueCapacity + 5;

const servers = new StoreServers();
Deno.test.beforeAll(() => servers.start());
Deno.test.afterAll(() => servers[Symbol.asyncDispose]());

function start({ config, env }: Stores, capacity = 1_000) {
  const jobQueue = config["job_queue"] as Record<string, unknown>;
  return startValet({
    config: {
      ...config,
      job_queue: { ...jobQueue, memory_job_queue: { capacity } },
      worker_pool: { concurrency: 1, backlog: 1, lease: "1s" },
      server: { shutdown_grace: "100ms" },
    },
    env,
  });
}

for (
  const [repository, queue, signal] of [
    ["sqlite", "memory", "SIGTERM"],
    ["sqlite", "memory", "SIGKILL"],
    ["mysql", "memory", "SIGKILL"],
    ["sqlite", "rabbitmq", "SIGKILL"],
    ["mysql", "rabbitmq", "SIGTERM"],
    ["mysql", "rabbitmq", "SIGKILL"],
  ] as const
) {
  const test = testOn({ repository, queue });
  test(`jobs in ${repository} and ${queue} outlive ${signal}`, async () => {
    await using web = new HeldRequests();
    const stores = await servers.create({ repository, queue });
    await using first = await start(stores);
    const finished = await first.api.run("csv_report", { csv: "a\n1\n" });
    const result = await first.api.resultOf(finished.id);
    const failed = await first.api.run("http_request", { url: "http://127.0.0.1:1/" });
    const running = await first.api.submit("http_request", web.holdParams("running"));
    await web.waitFor("running");
    const waiting = await Promise.all(
      Array.from({ length: waitingCount }, () => first.api.submit("dummytask")),
    );
    const deleted = waiting.pop()!;
    assert.equal((await first.api.request("DELETE", `/jobs/${deleted}`)).status, 204);
    const inMs = (ms: number) => ({ run_at: new Date(Date.now() + ms).toISOString() });
    const soon = await first.api.submit("dummytask", {}, inMs(1));
    const scheduled = await first.api.submit("dummytask", {}, inMs(700));
    const later = await first.api.submit("dummytask", {}, inMs(3_600_000));

    first.process.signal(signal);
    await first.process.waitForEnd();
    await web.waitForDrop("running");
    const endedAtMs = Date.now();

    await using second = await start(stores, memoryQueueCapacity);
    const { api, process } = second;
    const again = await api.waitForJob(running);
    const againAfterMs = Date.parse(again.started_at!) - endedAtMs;
    assert.equal(again.status, "COMPLETED");
    // Far more than the start of a node on a busy machine, and than the lease.
    assert.ok(againAfterMs < 10_000, `the running job ran again after ${againAfterMs} ms`);
    for (const id of [...waiting, soon, scheduled]) {
      assert.equal((await api.waitForJob(id)).status, "COMPLETED");
    }
    const fired = await api.job(scheduled);
    assert.ok(fired.started_at! >= fired.run_at!, "it started early");
    assert.deepEqual(await api.job(finished.id), finished);
    assert.deepEqual(await api.resultOf(finished.id), result);
    assert.deepEqual(await api.job(failed.id), failed);
    assert.equal((await api.request("GET", `/jobs/${deleted}`)).status, 404);
    assert.equal((await api.job(later)).status, "PENDING");
    assert.deepEqual((await api.status()).repository.jobs, {
      PENDING: 1,
      SCHEDULED: 0,
      IN_PROGRESS: 0,
      COMPLETED: waiting.length + 4,
      FAILED: 1,
    });
    await process.stop();
    const ends = [...first.process.log, ...process.log]
      .filter(({ message }) => message === "job completed" || message === "job failed")
      .map((line) => line["job_id"]);
    assert.equal(new Set(ends).size, ends.length, "a job ran to its end twice");
    const problems = process.log.filter(({ level }) => level === "error" || level === "fatal");
    assert.deepEqual(problems, []);
    assert.equal(process.stderr, "");
  });
}

const test = testOn({ repository: "memory", queue: "rabbitmq" });
test("jobs in rabbitmq outlive a node that forgets them", async () => {
  await using web = new HeldRequests();
  const stores = await servers.create({ repository: "memory", queue: "rabbitmq" });
  await using first = await start(stores);
  const ids = [await first.api.submit("http_request", web.holdParams("running"))];
  await web.waitFor("running");
  while (ids.length < 10) ids.push(await first.api.submit("dummytask"));
  await first.process.kill();
  await using second = await start(stores);
  for (const id of ids) {
    assert.equal((await second.api.waitForJob(id)).status, "COMPLETED");
  }
});
