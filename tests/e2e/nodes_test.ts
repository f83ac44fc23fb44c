// Two nodes on one MySQL and one RabbitMQ: they share the jobs, and each looks after those of the other.

import { strict as assert } from "node:assert";
import { eventually } from "../testing/eventually.ts";
import { HeldRequests } from "../testing/held_requests.ts";
import { testNeeding } from "../testing/needs.ts";
import { type RunningValet, startValet } from "../testing/start_valet.ts";
import { type Stores, StoreServers } from "../testing/store_servers.ts";

const test = testNeeding("mariadb", "rabbitmq");
const servers = new StoreServers();
test.beforeAll(() => servers.start());
test.afterAll(() => servers[Symbol.asyncDispose]());

function start({ config, env }: Stores): Promise<RunningValet> {
  return startValet({
    config: {
      ...config,
      worker_pool: { concurrency: 1, backlog: 1 },
      server: { shutdown_grace: "100ms" },
    },
    env,
  });
}

/** The jobs that this node saw to their end. Stops it: only then is its log complete. */
async function completedBy({ process }: RunningValet): Promise<unknown[]> {
  await process.stop();
  return process.log.filter(({ message }) => message === "job completed")
    .map((line) => line["job_id"]);
}

async function waitForCompleted({ api }: RunningValet, count: number): Promise<void> {
  await eventually(
    `${count} completed jobs`,
    async () => (await api.status()).repository.jobs["COMPLETED"] === count,
  );
}

test("two nodes share the jobs, and each job runs once", async () => {
  const stores = await servers.create({ repository: "mysql", queue: "rabbitmq" });
  await using one = await start(stores);
  await using other = await start(stores);
  const ids: string[] = [];
  for (let batch = 0; batch < 10; batch++) {
    ids.push(
      ...await Promise.all(Array.from({ length: 20 }, () => one.api.submit("dummytask"))),
    );
  }
  await waitForCompleted(other, ids.length);
  const byOther = await completedBy(other);
  const ends = [...await completedBy(one), ...byOther];
  assert.deepEqual(ends.toSorted(), ids.toSorted());
  assert.ok(byOther.length > 0 && byOther.length < ids.length, `${byOther.length} of 200`);
});

test("DELETE on one node aborts a job that runs on another", async () => {
  await using web = new HeldRequests();
  const stores = await servers.create({ repository: "mysql", queue: "rabbitmq" });
  await using one = await start(stores);
  await using other = await start(stores);
  const ids: Record<string, string> = {};
  for (const name of ["here", "there"]) {
    ids[name] = await one.api.submit("http_request", web.holdParams(name));
  }
  for (const name of ["here", "there"]) await web.waitFor(name);
  for (const node of [one, other]) assert.equal((await node.api.status()).workers.busy, 1);
  const deletedAtMs = performance.now();
  for (const id of Object.values(ids)) {
    assert.equal((await one.api.request("DELETE", `/jobs/${id}`)).status, 204);
  }
  for (const name of ["here", "there"]) await web.waitForDrop(name);
  const afterMs = performance.now() - deletedAtMs;
  assert.ok(afterMs < 3_000, `aborted after ${afterMs} ms`);
  const wasToldBy = (node: RunningValet) =>
    node.process.waitForLog(
      "the end of the deleted job",
      ({ message }) => message === "an aborted job ended, its outcome is dropped",
    );
  await Promise.all([wasToldBy(one), wasToldBy(other)]);
  assert.equal((await one.api.request("GET", `/jobs/${ids["there"]}`)).status, 404);
});

test("a node that stops under load gives its jobs to the other one at once", async () => {
  await using web = new HeldRequests();
  const stores = await servers.create({ repository: "mysql", queue: "rabbitmq" });
  await using one = await start(stores);
  await using other = await start(stores);
  const names = Array.from({ length: 10 }, (_, index) => `job-${index}`);
  const ids: string[] = [];
  for (const name of names) {
    ids.push(await one.api.submit("http_request", web.holdParams(name)));
  }
  for (const node of [one, other]) {
    await eventually("a job on each", async () => (await node.api.status()).workers.busy === 1);
  }
  other.process.signal("SIGTERM");
  assert.equal((await other.process.waitForEnd()).code, 0);
  const endedAtMs = performance.now();
  for (const name of names) web.release(name);
  await waitForCompleted(one, ids.length);
  const afterMs = performance.now() - endedAtMs;
  assert.ok(afterMs < 5_000, `the last one ended after ${afterMs} ms: it waited for a lease`);
  const returned = other.process.log.filter(({ message }) => message === "gave a job back");
  assert.ok(returned.length > 0, "the other one had nothing to give back");
  const ends = [...await completedBy(one), ...await completedBy(other)];
  assert.deepEqual(ends.toSorted(), ids.toSorted());
});
