// MySQL dies under a running node: what clients, operators and running jobs see until it is back.

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
import { startValet } from "../testing/start_valet.ts";

const test = testNeeding("mariadb");

test("a node outlives the death of MySQL and heals by itself", async () => {
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
