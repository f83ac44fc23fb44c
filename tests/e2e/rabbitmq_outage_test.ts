// RabbitMQ dies under a running node: what clients, operators and running jobs see until it is back.

import { strict as assert } from "node:assert";
import { eventually } from "../testing/eventually.ts";
import { HeldRequests } from "../testing/held_requests.ts";
import { startMariadb } from "../testing/mariadb_server.ts";
import { testNeeding } from "../testing/needs.ts";
import {
  assertFrugal,
  assertUnavailable,
  story,
  waitForOutage,
  waitUntilReady,
} from "../testing/node_outage.ts";
import { RabbitmqServer } from "../testing/rabbitmq_server.ts";
import { launchValet, startValet, untilItListens } from "../testing/start_valet.ts";

const test = testNeeding("mariadb", "rabbitmq");

test("a node outlives the death of RabbitMQ and heals by itself", async () => {
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
