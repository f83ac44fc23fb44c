// Stores that are not there, or not as they should be, when a node starts: what it says, and how it ends.

import { strict as assert } from "node:assert";
import { DatabaseSync } from "node:sqlite";
import { startMariadb } from "../testing/mariadb_server.ts";
import {
  type LaunchedValet,
  launchValet,
  type StartOptions,
  startValet,
  untilItListens,
} from "../testing/start_valet.ts";
import { type Stores, StoreServers, testOn } from "../testing/store_servers.ts";

const test = testOn({ repository: "mysql", queue: "rabbitmq" });
const testOnMysql = testOn({ repository: "mysql", queue: "memory" });
const secret = "tell-nobody-4711";
const servers = new StoreServers();
Deno.test.beforeAll(() => servers.start());
Deno.test.afterAll(() => servers[Symbol.asyncDispose]());

const waits = ({ process }: LaunchedValet) =>
  process.waitForLog("the wait", ({ message }) => message === "waiting for a store");

/** How a start ends that must fail: its code and its one line of the log. */
async function failureOf(options: StartOptions): Promise<[code: number, line: string]> {
  await using launched = await launchValet(options);
  const { process } = launched;
  const { code } = await process.waitForEnd();
  const output = process.lines.join("\n") + process.stderr;
  assert.doesNotMatch(output, /^\s+at |stack|Error:/m);
  assert.ok(!output.includes(secret), output);
  assert.equal(process.stderr, "");
  const lines = process.log.filter(({ message }) => message !== "waiting for a store");
  assert.deepEqual(lines.map(({ level }) => level), ["fatal"], process.lines.join("\n"));
  return [code, lines[0]!.message];
}

/** The stores with other settings of the node. */
function withSettings({ config, env }: Stores, settings: Record<string, unknown>): StartOptions {
  return { config: { ...config, ...settings }, env };
}

Deno.test("a second node on one SQLite file is one clear line and exit code 1, at once", async () => {
  const stores = await servers.create({ repository: "sqlite", queue: "memory" });
  await using first = await startValet(stores);
  const startedAtMs = performance.now();
  const [code, line] = await failureOf(stores);
  assert.ok(performance.now() - startedAtMs < 3_000, "it waited for the other one to end");
  assert.equal(code, 1);
  assert.match(line, /valet\.db: another Valet uses it; one process at a time is allowed$/);
  assert.equal((await first.api.run("dummytask")).status, "COMPLETED");
});

testOnMysql("a repository of a newer Valet is refused and stays as it is", async () => {
  const sqlite = await servers.create({ repository: "sqlite", queue: "memory" });
  const { path } = (sqlite.config["repository"] as { sqlite: { path: string } }).sqlite;
  await using older = await startValet(sqlite);
  await older.process.stop();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version = 99");
  database.close();
  const [sqliteCode, sqliteLine] = await failureOf(sqlite);
  assert.equal(sqliteCode, 1);
  assert.match(sqliteLine, /version 99.* newer /);

  const mysql = await servers.create({ repository: "mysql", queue: "memory" });
  await using other = await startValet(mysql);
  await other.process.stop();
  const server = await servers.mariadb();
  await server.query("INSERT INTO valet_schema (version) VALUES (99)", mysql.env["MYSQL_DSN"]);
  const [mysqlCode, mysqlLine] = await failureOf(mysql);
  assert.equal(mysqlCode, 1);
  assert.match(mysqlLine, /version 99.* newer /);
});

testOnMysql("a node waits for MySQL that is not there yet, and starts when it comes", async () => {
  await using server = await startMariadb();
  const env = { MYSQL_DSN: await server.createDatabase() };
  await server.stop();
  await using launched = await launchValet({ config: { repository: { option: "mysql" } }, env });
  await waits(launched);
  await server.start();
  const { api, process } = await untilItListens(launched);
  assert.equal((await api.run("dummytask")).status, "COMPLETED");
  assert.equal((await process.stop()).code, 0);
  const warnings = process.log.filter(({ level }) => level !== "info" && level !== "debug");
  assert.deepEqual(warnings.map(({ message }) => message), ["waiting for a store"]);
  assert.match(String(warnings[0]!["reason"]), /MySQL/);
});

/** Stores that nobody can reach: nothing listens on port 1. */
const absent: Readonly<Record<string, Stores>> = {
  MySQL: {
    config: { repository: { option: "mysql" } },
    env: { MYSQL_DSN: `valet:${secret}@tcp(127.0.0.1:1)/valet` },
  },
  RabbitMQ: {
    config: { job_queue: { option: "rabbitmq" } },
    env: { RABBITMQ_URI: `amqp://valet:${secret}@127.0.0.1:1` },
  },
};

for (const [name, stores] of Object.entries(absent)) {
  Deno.test(`a node gives up on ${name} after server.startup_wait, with exit code 1`, async () => {
    const [code, line] = await failureOf(
      withSettings(stores, { server: { startup_wait: "500ms" } }),
    );
    assert.equal(code, 1);
    assert.match(line, new RegExp(`${name}.*127\\.0\\.0\\.1:1\\b`));
  });

  Deno.test(`SIGTERM ends the wait for ${name} at once, with exit code 0`, async () => {
    await using launched = await launchValet(stores);
    const line = await waits(launched);
    assert.equal(line.level, "warn");
    const toldAtMs = performance.now();
    launched.process.signal("SIGTERM");
    assert.equal((await launched.process.waitForEnd()).code, 0);
    assert.ok(performance.now() - toldAtMs < 1_000);
    assert.ok(!launched.process.lines.join("\n").includes(secret));
  });
}

test("what an operator must put right is one line and exit code 2, without a secret", async () => {
  const mysql = await servers.create({ repository: "mysql", queue: "memory" });
  const rabbitmq = await servers.create({ repository: "memory", queue: "rabbitmq" });
  const { RABBITMQ_URI: uri = "" } = rabbitmq.env;
  const { MYSQL_DSN: dsn = "" } = mysql.env;
  const broken: readonly (readonly [Stores["config"], Record<string, string>, RegExp])[] = [
    [mysql.config, {}, /MYSQL_DSN/],
    [mysql.config, { MYSQL_DSN: dsn.replace(/:.*@/, `:${secret}@`) }, /Access denied/],
    [mysql.config, { MYSQL_DSN: dsn.replace(/\/valet_\d+/, "/nowhere") }, /nowhere/],
    [mysql.config, { MYSQL_DSN: `valet:${secret}` }, /MYSQL_DSN/],
    [rabbitmq.config, {}, /RABBITMQ_URI/],
    [rabbitmq.config, { RABBITMQ_URI: uri.replace(/guest@/, `${secret}@`) }, /password/],
    [rabbitmq.config, { RABBITMQ_URI: `${uri}/nowhere` }, /nowhere/],
    [rabbitmq.config, { RABBITMQ_URI: `http://valet:${secret}@127.0.0.1` }, /RABBITMQ_URI|uri/],
  ];
  for (const [config, env, reason] of broken) {
    const [code, line] = await failureOf({ config, env });
    assert.match(line, reason);
    assert.equal(code, 2, line);
  }

  await using valet = await startValet(rabbitmq);
  const queue = rabbitmq.config["job_queue"] as { option: string; rabbitmq: object };
  const durable = { ...queue, rabbitmq: { ...queue.rabbitmq, durable: true } };
  const [code, line] = await failureOf({ config: { job_queue: durable }, env: rabbitmq.env });
  assert.equal(code, 2);
  assert.match(line, /durable: false, and the configuration says true/);
  assert.equal((await valet.api.run("dummytask")).status, "COMPLETED");
});
