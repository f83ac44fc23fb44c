// How a server starts, fills up, stops and dies.

import { strict as assert } from "node:assert";
import { eventually } from "../testing/eventually.ts";
import { HeldRequests } from "../testing/held_requests.ts";
import {
  catchesGroupSignals,
  childrenOf,
  cpuMsOf,
  waitUntilGone,
} from "../testing/process_facts.ts";
import {
  configText,
  type RunningValet,
  runValetCommand,
  startValet,
} from "../testing/start_valet.ts";
import type { LogLine } from "../testing/valet_process.ts";

const isStopping = ({ message }: LogLine) => message.startsWith("stopping");

Deno.test("a full queue answers 503 with Retry-After, and every accepted job runs", async () => {
  await using web = new HeldRequests();
  await using valet = await startValet({
    config: {
      worker_pool: { concurrency: 1, backlog: 1 },
      job_queue: { memory_job_queue: { capacity: 1 } },
    },
  });
  const { api } = valet;
  const accepted = [await api.submit("http_request", web.holdParams("first"))];
  await web.waitFor("first");
  let refused;
  while (refused === undefined && accepted.length < 10) {
    const answer = await api.request("POST", "/jobs", { name: "more", task_name: "dummytask" });
    if (answer.status === 202) accepted.push(answer.body.id);
    else refused = answer;
  }
  assert.equal(refused?.status, 503);
  assert.match(refused.body.message, /full/);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  web.release("first");
  for (const id of accepted) assert.equal((await api.waitForJob(id)).status, "COMPLETED");
  const { repository } = await api.status();
  assert.equal(repository.jobs["COMPLETED"], accepted.length, "a refused job was stored");
});

for (const isolation of ["worker", "process"]) {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.test(`${signal} lets a running job finish, isolation ${isolation}`, async () => {
      await using web = new HeldRequests();
      await using valet = await startValet({ config: { worker_pool: { isolation } } });
      const { api, process } = valet;
      const id = await api.submit("http_request", web.holdParams("finishes"));
      await web.waitFor("finishes");
      const children = childrenOf(process.pid);
      await eventually("runners that are up", () => children.every(catchesGroupSignals));
      // As a terminal or a supervisor does, which tell the whole group of processes.
      for (const child of children) {
        for (const each of [signal, "SIGHUP"] as const) Deno.kill(child, each);
      }
      // Twice, as where `deno task` is in between.
      process.signal(signal);
      process.signal(signal === "SIGINT" ? "SIGTERM" : "SIGINT");
      await process.waitForLog("the stop", isStopping);
      // Not a fetch: what comes on a connection that it has is answered for a moment.
      const { hostname, port } = new URL(api.baseUrl);
      const connecting = Deno.connect({ hostname, port: Number(port) });
      await assert.rejects(connecting, Deno.errors.ConnectionRefused);
      web.release("finishes");
      const status = await process.waitForEnd();
      assert.deepEqual([status.code, status.signal], [0, null]);
      const end = process.log.find((line) => line["job_id"] === id);
      assert.equal(end?.message, "job completed");
      assert.equal(process.log.at(-1)?.message, "stopped");
      assert.deepEqual(process.log.filter(({ message }) => message === "lost a worker"), []);
      await waitUntilGone(children);
    });
  }

  Deno.test(`SIGTERM aborts a job that outlasts the grace period, isolation ${isolation}`, async () => {
    await using web = new HeldRequests();
    await using valet = await startValet({
      config: { worker_pool: { isolation }, server: { shutdown_grace: "100ms" } },
    });
    const { api, process } = valet;
    const id = await api.submit("http_request", web.holdParams("long"));
    await web.waitFor("long");
    process.signal("SIGTERM");
    await web.waitForDrop("long");
    assert.equal((await process.waitForEnd()).code, 0);
    const line = process.log.find((line) => line["job_id"] === id);
    assert.equal(line?.message, "gave a job back");
  });

  Deno.test(`a second signal ends the process at once, isolation ${isolation}`, async () => {
    await using web = new HeldRequests();
    await using valet = await startValet({
      config: { worker_pool: { isolation }, server: { shutdown_grace: "1m" } },
    });
    const { api, process } = valet;
    await api.submit("http_request", web.holdParams("long"));
    await web.waitFor("long");
    const children = childrenOf(process.pid);
    process.signal("SIGTERM");
    await process.waitForLog("the stop", isStopping);
    const again = setInterval(() => process.signal("SIGTERM"), 10);
    try {
      assert.equal((await process.waitForEnd(2_000)).code, 1);
    } finally {
      clearInterval(again);
    }
    assert.equal(process.log.at(-1)?.message, "ending at once: there was a second signal");
    await waitUntilGone(children);
  });
}

Deno.test("a port in use is one clear line and exit code 1", async () => {
  await using valet = await startValet();
  const { port } = new URL(valet.api.baseUrl);
  const folder = await Deno.makeTempDir({ prefix: "valet_e2e_" });
  try {
    await Deno.writeTextFile(`${folder}/config.yaml`, configText({ port: Number(port) }));
    const process = await runValetCommand(["--config", `${folder}/config.yaml`]);
    assert.equal((await process.waitForEnd()).code, 1);
    assert.equal(process.log.length, 1, process.lines.join("\n"));
    assert.equal(process.log[0]?.level, "fatal");
    assert.equal(
      process.log[0]?.message,
      `Cannot listen on port ${port} of server.host 127.0.0.1: the port is in use; end what ` +
        "listens there, or set port to another one (0: any free one)",
    );
    assert.equal(process.stderr, "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("no runner outlives a server that is killed", async () => {
  await using web = new HeldRequests();
  await using valet = await startValet({
    config: { worker_pool: { isolation: "process", concurrency: 2 } },
  });
  const { api, process } = valet;
  await api.submit("http_request", web.holdParams("running"));
  await web.waitFor("running");
  const children = childrenOf(process.pid);
  assert.ok(children.length >= 2, `${children.length} runners`);
  await process.kill();
  await waitUntilGone(children);
  await web.waitForDrop("running");
});

Deno.test("an idle server uses next to no CPU time", async (test) => {
  for (const isolation of ["worker", "process"]) {
    await using valet = await startValet({
      config: { worker_pool: { isolation, concurrency: 2 } },
    });
    assert.equal((await valet.api.run("dummytask")).status, "COMPLETED");
    const usedMs = await cpuMsOfOneSecond(valet);
    assert.ok(usedMs < 300, `${test.name}: ${usedMs} ms in one second, isolation ${isolation}`);
  }
});

async function cpuMsOfOneSecond({ process }: RunningValet): Promise<number> {
  const pids = [process.pid, ...childrenOf(process.pid)];
  const sum = () => pids.reduce((sum, pid) => sum + (cpuMsOf(pid) ?? 0), 0);
  const beforeMs = sum();
  // Not a wait for an event: the length of the measurement.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return sum() - beforeMs;
}

Deno.test("secrets of the environment are never logged", async () => {
  const secret = "tell-nobody-4711";
  await using valet = await startValet({
    env: {
      MYSQL_DSN: `valet:${secret}@tcp(127.0.0.1:3306)/valet`,
      RABBITMQ_URI: `amqp://valet:${secret}@127.0.0.1:5672/`,
    },
  });
  const { api, process } = valet;
  await api.run("dummytask");
  const status = JSON.stringify(await api.status());
  await process.stop();
  assert.ok(!status.includes(secret));
  assert.ok(!process.lines.join("\n").includes(secret));
  assert.ok(!process.stderr.includes(secret));
});
