// A store that dies under a running node: what clients, operators and running jobs see until it is back.

import { strict as assert } from "node:assert";
import { eventually } from "../testing/eventually.ts";
import { HeldRequests } from "../testing/held_requests.ts";
import { startMariadb } from "../testing/mariadb_server.ts";
import { cpuMsOf, memoryMbOf } from "../testing/process_facts.ts";
import { RabbitmqServer } from "../testing/rabbitmq_server.ts";
import { reportMeasurement } from "../testing/report_measurement.ts";
import {
  launchValet,
  type RunningValet,
  startValet,
  untilItListens,
} from "../testing/start_valet.ts";

const newJob = { name: "meanwhile", task_name: "dummytask" };

/** Waits until the node says that it is not ready, and checks what it says. */
async function waitForOutage({ api }: RunningValet, reason: RegExp): Promise<void> {
  const answer = await eventually("the node to see the outage", async () => {
    const answer = await api.request("GET", "/health/ready");
    return answer.status === 503 && answer;
  });
  assert.match(answer.body.message, reason);
  assert.equal((await api.request("GET", "/health/live")).status, 200);
}

async function waitUntilReady({ api }: RunningValet): Promise<void> {
  const sinceMs = performance.now();
  await eventually(
    "the node to be ready",
    async () => (await api.request("GET", "/health/ready")).status === 200,
  );
  const afterMs = performance.now() - sinceMs;
  assert.ok(afterMs < 3_000, `ready ${afterMs} ms after the store`);
}

/** A request that must be refused as one that may be sent again, with the name of the store. */
async function assertUnavailable(
  { api }: RunningValet,
  method: string,
  path: string,
  store: RegExp,
): Promise<void> {
  const startedAtMs = performance.now();
  const answer = await api.request(method, path, method === "POST" ? newJob : undefined);
  assert.equal(answer.status, 503, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  assert.match(answer.body.message, store);
  assert.doesNotMatch(answer.body.message, /full/);
  assert.ok(Number(answer.headers.get("retry-after")) >= 1);
  assert.ok(performance.now() - startedAtMs < 1_000, "the client had to wait");
}

/** Neither a busy loop nor a memory that grows with what is refused. */
async function assertFrugal({ api, process }: RunningValet): Promise<void> {
  const beforeMs = cpuMsOf(process.pid)!;
  // Not a wait for an event: the length of the measurement.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const usedMs = cpuMsOf(process.pid)! - beforeMs;
  assert.ok(usedMs < 150, `${usedMs} ms of CPU time in half a second`);

  const post = async () => {
    for (let count = 0; count < 25; count++) {
      assert.equal((await api.request("POST", "/jobs", newJob)).status, 503);
    }
  };
  const postAll = () => Promise.all(Array.from({ length: 16 }, post));
  await postAll();
  const beforeMb = memoryMbOf(process.pid)!;
  for (let round = 0; round < 3; round++) await postAll();
  const grownMb = memoryMbOf(process.pid)! - beforeMb;
  reportMeasurement(`in an outage: ${usedMs} ms of CPU time in half a second, ${grownMb} MB grown`);
  assert.ok(grownMb < 40, `the process has grown by ${grownMb} MB`);
}

/** What an operator finds in the log at level info and above, besides the requests and the process itself. */
function story({ process }: RunningValet): string[] {
  return process.log
    .filter(({ level, component }) => level !== "debug" && component !== "http")
    .filter(({ message }) => !/^(?:listening|stopping.*|stopped)$/.test(message))
    .map(({ level, component }) => `${level} ${component}`);
}

Deno.test("a node outlives the death of MySQL and heals by itself", async () => {
  await using server = await startMariadb();
  await using web = new HeldRequests();
  const env = { MYSQL_DSN: await server.createDatabase() };
  const config = {
    repository: { option: "mysql" },
    worker_pool: { concurrency: 2, lease: "1s" },
    server: { shutdown_grace: "200ms" },
  };
  await using valet = await startValet({ config, env });
  const { api } = valet;
  await using other = await startValet({ config, env });
  const lost = await other.api.submit("http_request", web.holdParams("lost"));
  await web.waitFor("lost");
  await using neighbour = await startValet({ config, env });
  const kept = await neighbour.api.submit("http_request", web.holdParams("kept"));
  await web.waitFor("kept");
  const finished = (await api.run("dummytask")).id;
  const running = await api.submit("http_request", web.holdParams("running"));
  await web.waitFor("running");
  await server.kill();
  await waitForOutage(valet, /mysql.*MySQL/);
  const requests = [
    ["POST", "/jobs"],
    ["GET", "/jobs"],
    ["GET", `/jobs/${finished}`],
    ["GET", `/jobs/${finished}/results`],
    ["DELETE", `/jobs/${finished}`],
  ] as const;
  for (const [method, path] of requests) await assertUnavailable(valet, method, path, /MySQL/);
  const { repository } = (await api.request("GET", "/status")).body;
  assert.equal(repository.healthy, false);
  assert.match(repository.reason, /MySQL/);
  web.release("running");
  await assertFrugal(valet);

  assert.equal((await other.process.stop()).code, 0);
  const warning = other.process.log.find((line) => line["job_id"] === lost);
  assert.equal(warning?.message, "could not store how a job ended: it will run again");

  await server.start();
  await waitUntilReady(valet);
  assert.equal((await api.waitForJob(running)).status, "COMPLETED");
  assert.equal((await api.run("dummytask")).status, "COMPLETED");
  await eventually(
    "a node to run the job of the one that ended",
    async () => (await api.job(lost)).status === "COMPLETED",
  );
  // Its lease was over as well, but its node lives.
  web.release("kept");
  assert.equal((await neighbour.api.waitForJob(kept)).status, "COMPLETED");
  assert.equal(web.paths.filter((path) => path === "/hold/kept").length, 1);
  assert.deepEqual((await api.status()).repository.jobs, {
    PENDING: 0,
    SCHEDULED: 0,
    IN_PROGRESS: 0,
    COMPLETED: 5,
    FAILED: 0,
  });
  const rescues: string[] = [];
  for (const node of [valet, neighbour]) {
    await node.process.stop();
    const lines = story(node);
    rescues.push(...lines.filter((line) => line === "warn rescuer"));
    const others = lines.filter((line) => line !== "warn rescuer");
    assert.deepEqual(others, ["error mysql", "info mysql"], node.process.lines.join("\n"));
    assert.equal(node.process.stderr, "");
  }
  assert.equal(rescues.length, 1);
});

Deno.test("a node outlives the death of RabbitMQ and heals by itself", async () => {
  await using server = await RabbitmqServer.start();
  await using web = new HeldRequests();
  await using mariadb = await startMariadb();
  const stores = {
    config: {
      repository: { option: "mysql" },
      job_queue: { option: "rabbitmq", rabbitmq: { queue_name: "outage" } },
    },
    env: { MYSQL_DSN: await mariadb.createDatabase(), RABBITMQ_URI: server.uri },
  };
  const workerPool = { concurrency: 1, backlog: 1 };
  await using valet = await startValet({
    ...stores,
    config: { ...stores.config, worker_pool: workerPool },
  });
  const { api, process } = valet;
  await using bystander = await startValet({
    config: { job_queue: { option: "rabbitmq", rabbitmq: { queue_name: "bystander" } } },
    env: stores.env,
  });
  const running = await api.submit("http_request", web.holdParams("running"));
  await web.waitFor("running");
  // The queue is not durable: their messages die with the broker.
  const waiting: string[] = [];
  while (waiting.length < 10) waiting.push(await api.submit("dummytask"));
  await server.kill();
  await waitForOutage(valet, /rabbitmq.*RabbitMQ/);
  await assertUnavailable(valet, "POST", "/jobs", /RabbitMQ/);
  const scheduled = await api.submit("dummytask", {}, {
    run_at: new Date(Date.now() + 500).toISOString(),
  });
  assert.equal((await api.job(waiting[5]!)).status, "PENDING");
  assert.equal((await api.request("DELETE", `/jobs/${waiting.pop()}`)).status, 204);
  assert.equal((await api.status()).repository.jobs["IN_PROGRESS"]! >= 1, true);
  await assertFrugal(valet);
  web.release("running");
  assert.equal(
    (await api.waitForJob(running)).status,
    "COMPLETED",
    "its outcome waits for the queue",
  );

  const toldAtMs = performance.now();
  assert.equal((await bystander.process.stop()).code, 0);
  assert.ok(performance.now() - toldAtMs < 2_000, "it waited for the broker");

  const config = { ...stores.config, server: { startup_wait: "2m" } };
  await using launched = await launchValet({ ...stores, config });
  await launched.process.waitForLog("the wait", ({ message }) => message === "waiting for a store");
  await server.startAgain();
  await waitUntilReady(valet);
  const other = await untilItListens(launched);
  const all = [running, ...waiting, scheduled, await other.api.submit("dummytask")];
  await eventually("all jobs to end", async () => {
    const { jobs } = (await api.status()).repository;
    return jobs["COMPLETED"] === all.length;
  });
  await other.process.stop();
  await process.stop();
  const ends = [...process.log, ...other.process.log]
    .filter(({ message }) => message === "job completed").map((line) => line["job_id"]);
  assert.deepEqual(ends.toSorted(), all.toSorted());
  assert.deepEqual(story(valet), ["error rabbitmq", "info rabbitmq"], process.lines.join("\n"));
  assert.deepEqual(story(other), ["warn valet"]);
  assert.equal(process.stderr, "");
});
