// `valet check --connect`: it tries the stores, says what failed, and leaves them as they are.

import { strict as assert } from "node:assert";
import { configText, runToEnd, startValet } from "../testing/start_valet.ts";
import { type Stores, StoreServers, testOn } from "../testing/store_servers.ts";
import { withFolder } from "../testing/with_folder.ts";

const test = testOn({ repository: "mysql", queue: "rabbitmq" });
const servers = new StoreServers();
Deno.test.beforeAll(() => servers.start());
Deno.test.afterAll(() => servers[Symbol.asyncDispose]());

/** What the command prints for these stores, and how it ends. */
const check = ({ config, env }: Stores, ...options: string[]) =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/config.yaml`, configText(config));
    const args = ["check", "--config", `${folder}/config.yaml`, ...options];
    const { code, err, out } = await runToEnd(args, { env });
    return { code, out, lines: err.split("\n").slice(0, -1) };
  });

test("check --connect finds servers that are there, and makes nothing in them", async () => {
  const stores = await servers.create({ repository: "mysql", queue: "rabbitmq" });
  for (let round = 0; round < 2; round++) {
    const { code, lines, out } = await check(stores, "--connect");
    assert.deepEqual([code, lines], [0, []]);
    assert.match(out, /repository {2}mysql, can be used$/m);
    assert.match(out, /job queue {3}rabbitmq, can be used$/m);
  }
  // A queue that must be there already was not declared by the check.
  const { option, rabbitmq } = stores.config["job_queue"] as Record<string, object>;
  const passive = { option, rabbitmq: { ...rabbitmq, passive: true } };
  const absent = await check(
    { ...stores, config: { ...stores.config, job_queue: passive } },
    "--connect",
  );
  assert.deepEqual([absent.code, absent.lines.length], [1, 1]);
  assert.match(absent.lines[0]!, /it is not there, and with job_queue\.rabbitmq\.passive: true/);

  await using valet = await startValet(stores);
  const id = await valet.api.submit("dummytask", {}, { run_at: "2130-01-01T00:00:00Z" });
  assert.equal((await check(stores, "--connect")).code, 0);
  assert.equal((await valet.api.job(id)).status, "PENDING");
  const durable = { option, rabbitmq: { ...rabbitmq, durable: true } };
  const other = await check(
    { ...stores, config: { ...stores.config, job_queue: durable } },
    "--connect",
  );
  assert.deepEqual([other.code, other.lines.length], [2, 1]);
  assert.match(other.lines[0]!, /durable/);
});

Deno.test("check --connect tells of each store that cannot be reached, and only then connects", async () => {
  const stores: Stores = {
    config: { repository: { option: "mysql" }, job_queue: { option: "rabbitmq" } },
    env: {
      MYSQL_DSN: "valet:tell-nobody-4711@tcp(127.0.0.1:1)/valet",
      RABBITMQ_URI: "amqp://valet:tell-nobody-4711@127.0.0.1:1",
    },
  };
  assert.equal((await check(stores)).code, 0);
  const { code, lines, out } = await check(stores, "--connect");
  assert.deepEqual([code, out, lines.length], [1, "", 2]);
  assert.match(lines[0]!, /MySQL.*127\.0\.0\.1:1/);
  assert.match(lines[1]!, /RabbitMQ at 127\.0\.0\.1:1/);
  assert.doesNotMatch(lines.join("\n"), /4711/);
});

test("check --connect tells a wrong password by exit code 2", async () => {
  const stores = await servers.create({ repository: "mysql", queue: "rabbitmq" });
  const uri = new URL(stores.env["RABBITMQ_URI"]!);
  uri.password = "tell-nobody-4711";
  const env = { ...stores.env, RABBITMQ_URI: uri.href };
  const { code, lines } = await check({ ...stores, env }, "--connect");
  assert.deepEqual([code, lines.length], [2, 1]);
  assert.match(lines[0]!, /refuses the user or the password of RABBITMQ_URI/);
});

Deno.test("check --connect reads a SQLite file that a node uses, and says what memory means", async () => {
  const stores = await servers.create({ repository: "sqlite", queue: "memory" });
  assert.match((await check(stores, "--connect")).out, /repository {2}sqlite, can be used$/m);
  await using valet = await startValet(stores);
  assert.equal((await check(stores, "--connect")).code, 0);
  assert.equal((await valet.api.run("dummytask")).status, "COMPLETED");
  const memory = await check({ config: {}, env: {} });
  assert.match(
    memory.out,
    /memory: the end of the process forgets all jobs; repository\.option: sqlite/,
  );
});
