// How many jobs may wait: with a durable repository any number, in the shipped configuration too; with a
// bound, and with jobs in memory, one more is refused before it is stored.

import { strict as assert } from "node:assert";
import { load } from "js-yaml";
import { eventually } from "../testing/eventually.ts";
import { HeldRequests } from "../testing/held_requests.ts";
import { type RunningValet, startValet } from "../testing/start_valet.ts";
import { StoreServers, testOn } from "../testing/store_servers.ts";

const servers = new StoreServers();
Deno.test.beforeAll(() => servers.start());
Deno.test.afterAll(() => servers[Symbol.asyncDispose]());

type Settings = Readonly<Record<string, unknown>>;

/** The shipped configuration but for the port, the log and where the jobs are kept. */
async function shippedConfig(stores: Settings): Promise<Settings> {
  const text = await Deno.readTextFile(new URL("../../config.yaml", import.meta.url));
  const { port: _, logging_format: _f, logging_level: _l, ...shipped } = load(text) as Settings;
  const tasks = { http_request: { allow_private: true } };
  return { ...shipped, tasks, repository: stores["repository"] };
}

/** Keeps all that runs from ending until the function that it returns is called. */
async function holdWorkers({ api }: RunningValet, web: HeldRequests, concurrency: number) {
  const names = Array.from({ length: concurrency }, (_, i) => `held_${i}`);
  for (const name of names) await api.submit("http_request", web.holdParams(name));
  for (const name of names) await web.waitFor(name);
  return () => names.forEach((name) => web.release(name));
}

/** Submits until so many were accepted or one was refused; how many were accepted, and the refusal. */
async function submitMany({ api }: RunningValet, count: number) {
  let leftCount = count;
  let acceptedCount = 0;
  let refused: Awaited<ReturnType<typeof api.request>> | undefined;
  const submit = async () => {
    while (leftCount-- > 0 && refused === undefined) {
      const answer = await api.request("POST", "/jobs", { task_name: "dummytask" });
      if (answer.status === 202) acceptedCount += 1;
      else refused = answer;
    }
  };
  await Promise.all(Array.from({ length: 16 }, submit));
  return { acceptedCount, refused };
}

async function waitForCompleted({ api }: RunningValet, count: number): Promise<void> {
  await eventually(
    `${count} completed jobs`,
    async () => (await api.status()).repository.jobs["COMPLETED"]! >= count,
    60_000,
  );
}

for (const repository of ["sqlite", "mysql"] as const) {
  const test = testOn({ repository, queue: "memory" });
  test(`5,000 jobs in a burst are all accepted and run once with ${repository} as shipped`, async () => {
    await using web = new HeldRequests();
    const { config, env } = await servers.create({ repository, queue: "memory" });
    const concurrency = navigator.hardwareConcurrency;
    await using valet = await startValet({ config: await shippedConfig(config), env });
    const letGo = await holdWorkers(valet, web, concurrency);
    const { acceptedCount, refused } = await submitMany(valet, 5_000);
    assert.equal(refused, undefined);
    assert.equal(acceptedCount, 5_000);
    assert.equal((await valet.api.status()).queue.room, undefined, "nothing bounds the queue");
    letGo();
    await waitForCompleted(valet, 5_000 + concurrency);
    const { process } = valet;
    await process.stop();
    const ends = process.log.filter(({ message }) => message === "job completed");
    assert.equal(ends.length, 5_000 + concurrency, "a job ran twice");
    assert.equal(process.stderr, "");
  });
}

interface Bound {
  readonly what: string;
  readonly repository: "memory" | "sqlite";
  /** Undefined: the default. */
  readonly capacity: number | undefined;
  readonly waitingCount: number;
}

const bounds: readonly Bound[] = [
  { what: "jobs in memory", repository: "memory", capacity: undefined, waitingCount: 100 },
  { what: "a capacity, jobs in memory", repository: "memory", capacity: 7, waitingCount: 7 },
  { what: "a capacity, sqlite", repository: "sqlite", capacity: 7, waitingCount: 7 },
];

for (const { what, repository, capacity, waitingCount } of bounds) {
  const test = testOn({ repository, queue: "memory" });
  test(`with ${what}, one more than ${waitingCount} waiting jobs is 503; jobs for later do not count`, async () => {
    await using web = new HeldRequests();
    const { config: stores, env } = await servers.create({ repository, queue: "memory" });
    const config = {
      ...stores,
      worker_pool: { concurrency: 1, backlog: 1 },
      job_queue: { memory_job_queue: { capacity } },
    };
    await using valet = await startValet({ config, env });
    const { api } = valet;
    const letGo = await holdWorkers(valet, web, 1);
    const later = { run_at: new Date(Date.now() + 3_600_000).toISOString() };
    for (let i = 0; i < 20; i++) await api.submit("dummytask", {}, later);
    const { acceptedCount, refused } = await submitMany(valet, 1_000);
    // Beside those that wait in the queue, the node holds what its pool has room for.
    const heldCount = acceptedCount - waitingCount;
    assert.ok(heldCount >= 0 && heldCount <= 2, `${acceptedCount} jobs were accepted`);
    assert.equal(refused?.status, 503);
    assert.equal(refused?.body.reason, "queue_full");
    assert.ok(Number(refused?.headers.get("retry-after")) >= 1);
    await api.submit("dummytask", {}, later);
    letGo();
    await waitForCompleted(valet, acceptedCount + 1);
    const { PENDING, COMPLETED } = (await api.status()).repository.jobs;
    assert.deepEqual([PENDING, COMPLETED], [21, acceptedCount + 1], "a refused job was stored");
    await api.run("dummytask");
  });
}

testOn({ repository: "sqlite", queue: "memory" })(
  "jobs that wait in the store count after a restart with a capacity, and all run",
  async () => {
    await using web = new HeldRequests();
    const { config: stores, env } = await servers.create({ repository: "sqlite", queue: "memory" });
    const config = { ...stores, worker_pool: { concurrency: 1, backlog: 1 } };
    const unbounded = { ...config, job_queue: { option: "memory" } };
    const bounded = { ...config, job_queue: { memory_job_queue: { capacity: 10 } } };
    {
      await using valet = await startValet({ config: unbounded, env });
      await holdWorkers(valet, web, 1);
      assert.equal((await submitMany(valet, 1_500)).acceptedCount, 1_500);
      await valet.process.kill();
    }
    await using valet = await startValet({ config: bounded, env });
    const { status, body } = await valet.api.request("POST", "/jobs", { task_name: "dummytask" });
    assert.deepEqual([status, body.reason], [503, "queue_full"]);
    web.release("held_0");
    await waitForCompleted(valet, 1_501);
    await valet.api.run("dummytask");
  },
);

testOn({ repository: "mysql", queue: "memory" })(
  "two nodes without a broker share what waits in mysql, and each job runs once",
  async () => {
    await using web = new HeldRequests();
    const { config: stores, env } = await servers.create({ repository: "mysql", queue: "memory" });
    const config = {
      ...stores,
      job_queue: { option: "memory" },
      worker_pool: { concurrency: 1, backlog: 1 },
    };
    await using one = await startValet({ config, env });
    await using other = await startValet({ config, env });
    const letGo = await holdWorkers(one, web, 1);
    assert.equal((await submitMany(one, 3_000)).acceptedCount, 3_000);
    // Only the other node has a worker that is free.
    await waitForCompleted(other, 2_500);
    letGo();
    await waitForCompleted(one, 3_001);
    await Promise.all([one.process.stop(), other.process.stop()]);
    const ends = [one, other].flatMap(({ process }) =>
      process.log.filter(({ message }) => message === "job completed")
    );
    assert.equal(ends.length, 3_001, "a job ran twice");
  },
);
