// Settings and secrets from the environment, as the server and its tasks see them.

import { strict as assert } from "node:assert";
import { childrenOf } from "../testing/process_facts.ts";
import { RabbitmqServer } from "../testing/rabbitmq_server.ts";
import { runToEnd, runValetCommand, startValet, untilItListens } from "../testing/start_valet.ts";
import { StoreServers, testOn } from "../testing/store_servers.ts";
import { withFolder } from "../testing/with_folder.ts";

const testOnRabbitmq = testOn({ repository: "memory", queue: "rabbitmq" });
const servers = new StoreServers();
Deno.test.beforeAll(() => servers.start());
Deno.test.afterAll(() => servers[Symbol.asyncDispose]());

Deno.test("the environment wins over the file, and an unknown variable is one warning", async () => {
  const env = { VALET_WORKER_POOL_CONCURRENCY: "3", VALET_WORKER_POOL_CONCURENCY: "4" };
  await using valet = await startValet({ config: { worker_pool: { concurrency: 1 } }, env });
  const { body } = await valet.api.request("GET", "/status");
  assert.equal(body.workers.concurrency, 3);
  await valet.process.stop();
  const warnings = valet.process.log.filter(({ level }) => level === "warn");
  assert.deepEqual(warnings.map(({ message }) => message), [
    "the environment variable VALET_WORKER_POOL_CONCURENCY is not known and has no effect; " +
    "did you mean VALET_WORKER_POOL_CONCURRENCY?",
  ]);
});

Deno.test("without --config and config.yaml the defaults and the environment hold", async () => {
  await withFolder(async (cwd) => {
    const env = { VALET_PORT: "0", VALET_LOGGING_FORMAT: "json" };
    const process = await runValetCommand([], { cwd, env });
    const { api } = await untilItListens({ process, [Symbol.asyncDispose]: () => process.kill() });
    const { body } = await api.request("GET", "/status");
    assert.equal(body.repository.driver, "memory");
    assert.equal((await process.stop()).code, 0);
    assert.deepEqual([...Deno.readDirSync(cwd)], []);

    const check = await runToEnd(["check"], { cwd, env: { VALET_PORT: "8181" } });
    assert.equal(check.code, 0);
    assert.match(check.out, /^The environment \(there is no config\.yaml\) is fine/);
    assert.match(check.out, /http:\/\/127\.0\.0\.1:8181$/m);

    await Deno.writeTextFile(`${cwd}/config.yaml`, "prot: 1\n");
    assert.match(
      (await runToEnd(["check"], { cwd })).err,
      /^config\.yaml:1:1: prot is not a known key/,
    );
    const missing = await runToEnd(["--config", "missing.yaml"], { cwd });
    assert.deepEqual([missing.code, missing.err.split("\n").length], [2, 2]);
  });
});

Deno.test("a wrong variable ends the start with code 2, in the format that the environment says", async () => {
  await withFolder(async (cwd) => {
    const kubernetes = await runToEnd([], { cwd, env: { VALET_PORT: "tcp://10.96.0.12:8080" } });
    assert.equal(kubernetes.code, 2);
    assert.match(kubernetes.err, /^VALET_PORT is "tcp:.*enableServiceLinks: false/);
    const json = await runToEnd([], {
      cwd,
      env: { VALET_PORT: "x", VALET_LOGGING_FORMAT: "json" },
    });
    assert.deepEqual([json.code, json.err], [2, ""]);
    assert.match(JSON.parse(json.out).message, /^VALET_PORT is "x": /);
    const check = await runToEnd(["check"], { cwd, env: { VALET_PROT: "tell-nobody-4711" } });
    assert.equal(check.code, 0);
    assert.equal(
      check.err,
      "Warning: the environment variable VALET_PROT is not known and has no effect; " +
        "did you mean VALET_PORT?\n",
    );
  });
});

Deno.test("a secret and its file together end the start with code 2, used or not", async () => {
  await withFolder(async (cwd) => {
    for (const name of ["MYSQL_DSN", "POSTGRES_DSN", "RABBITMQ_URI", "VALET_TOKENS"]) {
      const env = { [name]: "tell-nobody-4711", [`${name}_FILE`]: "/nowhere" };
      for (const command of ["serve", "check"]) {
        const { code, err, out } = await runToEnd([command], { cwd, env });
        const problem =
          `Cannot use ${name} and ${name}_FILE together: only one of the two is allowed\n`;
        assert.deepEqual([code, out, err], [2, "", problem]);
      }
    }
    const env = { VALET_REPOSITORY_OPTION: "mysql", MYSQL_DSN_FILE: `${cwd}/dsn` };
    const reason = `the file that MYSQL_DSN_FILE names, ${cwd}/dsn: there is no such file`;
    assert.deepEqual(await runToEnd([], { cwd, env }), {
      code: 2,
      out: "",
      err: `Cannot read ${reason}\n`,
    });
    await Deno.writeTextFile(`${cwd}/dsn`, "tell-nobody-4711\n");
    const wrong = await runToEnd(["check"], { cwd, env });
    assert.equal(wrong.code, 2);
    assert.doesNotMatch(wrong.err, /4711/);
  });
});

for (const isolation of ["worker", "process"]) {
  Deno.test(`no task finds a secret in the environment (isolation: ${isolation})`, async () => {
    const secrets = ["MYSQL_DSN", "POSTGRES_DSN", "RABBITMQ_URI", "VALET_TOKENS"];
    const env = Object.fromEntries(secrets.map((name) => [name, "tell-nobody-4711"]));
    await using valet = await startValet({
      config: { worker_pool: { isolation, concurrency: 1 } },
      env: { ...env, VALET_TEST_KEPT: "yes" },
      tasks: "fixtures",
    });
    const { id } = await valet.api.run("lists_env");
    const names = await valet.api.resultOf(id) as string[];
    assert.ok(names.includes("VALET_TEST_KEPT"));
    assert.deepEqual(names.filter((name) => secrets.includes(name)), []);
    const runners = isolation === "process" ? childrenOf(valet.process.pid, "runner") : [];
    for (const pid of runners) {
      assert.doesNotMatch(await Deno.readTextFile(`/proc/${pid}/environ`), /4711/);
    }
    assert.equal(runners.length > 0, isolation === "process");
  });
}

testOnRabbitmq("the configuration of the original service starts as it is", async () => {
  const path = new URL("../fixtures/original_config.yaml", import.meta.url).pathname;
  const { uri } = await RabbitmqServer.shared();
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/uri`, `${uri}\n`);
    const env = {
      RABBITMQ_URI_FILE: `${folder}/uri`,
      VALET_PORT: "0",
      VALET_LOGGING_FORMAT: "json",
    };
    const process = await runValetCommand(["--config", path], { env });
    const { api } = await untilItListens({ process, [Symbol.asyncDispose]: () => process.kill() });
    assert.equal((await api.run("dummytask")).status, "COMPLETED");
    assert.equal((await process.stop()).code, 0);
  });
});
