// The mysql repository while its server is killed, frozen or refuses to serve.

import assert from "node:assert/strict";
import { createConnection } from "mysql2";
import { openMysqlRepository } from "../../../../drivers/repositories/mysql/repository.ts";
import { parseMysqlDsn } from "../../../../drivers/repositories/mysql/dsn.ts";
import { isUnavailable } from "../../../../src/errors.ts";
import type { Repository } from "../../../../src/jobs/repository.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { claimJob } from "../../../testing/claim_jobs.ts";
import { makeFinish, makeJob } from "../../../testing/make_job.ts";
import { type MariadbServer, startMariadb } from "../../../testing/mariadb_server.ts";
import { testNeeding } from "../../../testing/needs.ts";
import { within } from "../../../testing/within.ts";

const test = testNeeding("mariadb");
const lost = "lost the connection to MySQL, trying again";
const back = "MySQL is back";
/** How long after the server is ready again it may take to find that out. */
const recoveryMs = 1_000;

interface Outage {
  readonly server: MariadbServer;
  readonly dsn: string;
  readonly repository: Repository;
  readonly logs: CapturedLogs;
}

/** Opens a repository on a server of the test's own, and looks at the log. */
async function testOutage(
  test: (outage: Outage) => Promise<void>,
  parameters?: string,
): Promise<void> {
  await using server = await startMariadb();
  const dsn = asPlainUser(await server.createDatabase(parameters));
  await server.query("CREATE USER plain IDENTIFIED BY 'p@ss'");
  await server.query("GRANT ALL ON `valet%`.* TO plain");
  await using logs = new CapturedLogs();
  const repository = await openMysqlRepository({ dsn });
  try {
    await test({ server, dsn, repository, logs });
  } finally {
    await repository.close();
  }
  assert.doesNotMatch(JSON.stringify(logs.lines), /p@ss/);
}

/** The DSN for a user who may do nothing beside the databases of Valet. */
function asPlainUser(dsn: string): string {
  return dsn.replace(/^.*@/, "plain:p@ss@");
}

/** One outage and no other line: one at the loss, one at the return. */
function assertOneOutage(logs: CapturedLogs): void {
  assert.deepEqual(logs.lines.map(({ level, message }) => [level, message]), [
    ["error", lost],
    ["info", back],
  ]);
  assert.ok(logs.lines[0]?.["reason"]);
}

async function assertDown(repository: Repository): Promise<void> {
  const startMs = performance.now();
  const calls = Array.from({ length: 200 }, () => repository.get(makeJob().id));
  for (const { status, ...rest } of await Promise.allSettled(calls)) {
    assert.equal(status, "rejected");
    const { reason } = rest as PromiseRejectedResult;
    assert.ok(isUnavailable(reason), String(reason));
    assert.match(reason.message, /MySQL/);
    assert.doesNotMatch(reason.message, /p@ss/);
  }
  assert.ok(performance.now() - startMs < 500, "calls fail at once");
  const health = await repository.health();
  assert.equal(health.isHealthy, false);
  assert.match(health.reason!, /MySQL/);
}

test("mysql: a server killed amid calls is lost once, found again, and keeps what it answered", () =>
  testOutage(async ({ server, repository, logs }) => {
    const stored: string[] = [];
    const failures: unknown[] = [];
    let isWriting = true;
    const { promise: isBusy, resolve: setBusy } = Promise.withResolvers<void>();
    const writers = Array.from({ length: 32 }, async () => {
      while (isWriting) {
        const job = makeJob();
        try {
          await repository.insert([job]);
          if (stored.push(job.id) === 200) setBusy();
        } catch (thrown) {
          failures.push(thrown);
          return;
        }
      }
    });
    await within(isBusy, "200 inserts");
    await server.kill();
    await Promise.all(writers);
    isWriting = false;
    assert.equal(failures.length, 32);
    for (const failure of failures) assert.ok(isUnavailable(failure), String(failure));
    await logs.waitFor({ message: lost });
    await assertDown(repository);

    await server.start();
    await within(logs.waitFor({ message: back }), "the recovery", recoveryMs);
    for (const id of stored) assert.equal((await repository.get(id))?.id, id);
    await repository.insert([makeJob()]);
    assert.equal((await repository.health()).isHealthy, true);
    assertOneOutage(logs);
  }));

test("mysql: a server killed while nobody calls is missed all the same", () =>
  testOutage(async ({ server, repository, logs }) => {
    const job = makeJob();
    await repository.insert([job]);
    const held = await claimJob(repository, job.id);
    await server.kill();
    await logs.waitFor({ message: lost });
    await assertDown(repository);
    const finish = makeFinish(held, { resultJson: "1" });
    await assert.rejects(repository.change([finish], repository.now()), { code: "unavailable" });
    await server.start();
    await within(logs.waitFor({ message: back }), "the recovery", recoveryMs);
    const [done] = await repository.change([finish], repository.now());
    assert.equal(done?.status, "COMPLETED");
    assertOneOutage(logs);
  }));

test("mysql: a server that hangs is lost when the time for an answer is over", () =>
  testOutage(async ({ server, repository, logs }) => {
    const job = makeJob();
    await repository.insert([job]);
    server.freeze();
    try {
      await assert.rejects(async () => await repository.get(job.id), {
        code: "unavailable",
        message: /no answer within 200 ms/,
      });
      await logs.waitFor({ message: lost });
      await assertDown(repository);
    } finally {
      server.thaw();
    }
    await within(logs.waitFor({ message: back }), "the recovery", recoveryMs);
    assert.deepEqual(await repository.get(job.id), job);
    assertOneOutage(logs);
  }, "readTimeout=200ms&timeout=200ms"));

test("mysql: a server that becomes read-only is lost until it can be written to again", () =>
  testOutage(async ({ server, repository, logs }) => {
    const job = makeJob();
    await repository.insert([job]);
    await server.query("SET GLOBAL read_only = 1");
    await assert.rejects(repository.insert([makeJob()]), {
      code: "unavailable",
      message: /MySQL: .*read-only/,
    });
    await logs.waitFor({ message: lost });
    await assertDown(repository);
    assert.match((await repository.health()).reason!, /read-only/);
    await server.query("SET GLOBAL read_only = 0");
    await within(logs.waitFor({ message: back }), "the recovery", recoveryMs);
    assert.deepEqual(await repository.get(job.id), job);
    assertOneOutage(logs);
  }));

test("mysql: a server whose table is locked is lost as soon as somebody asks", () =>
  testOutage(async ({ dsn, repository, logs }) => {
    const job = makeJob();
    await repository.insert([job]);
    const { host, port, user, password, database } = parseMysqlDsn(dsn);
    const locking = createConnection({ host, port, user, password, database });
    const ask = (sql: string) =>
      new Promise<void>((resolve, reject) =>
        locking.query(sql, (error) => error ? reject(error) : resolve())
      );
    try {
      await ask("LOCK TABLES valet_jobs WRITE");
      assert.match((await repository.health()).reason!, /no answer within 200 ms/);
      await assertDown(repository);
      await ask("UNLOCK TABLES");
      await within(logs.waitFor({ message: back }), "the recovery", recoveryMs);
    } finally {
      locking.destroy();
    }
    assert.deepEqual(await repository.get(job.id), job);
    assertOneOutage(logs);
  }, "readTimeout=200ms&timeout=200ms"));

test("mysql: connections that end on their own are replaced, and no call fails", () =>
  testOutage(async ({ server, repository, logs }) => {
    const job = makeJob();
    await repository.insert([job]);
    for (let round = 0; round < 3; round++) {
      const connections = await server.query("SHOW PROCESSLIST");
      const ids = connections.filter(({ db }) => db !== null).map(({ Id }) => Id);
      assert.ok(ids.length > 0);
      for (const id of ids) await server.query(`KILL ${id}`);
      assert.deepEqual(await repository.get(job.id), job);
      await repository.insert([makeJob()]);
    }
    assert.deepEqual(logs.lines, []);
  }));

test("mysql: close during an outage ends at once, and later calls are unavailable", () =>
  testOutage(async ({ server, repository, logs }) => {
    await server.kill();
    await logs.waitFor({ message: lost });
    await within(repository.close(), "the close", recoveryMs);
    await assert.rejects(async () => await repository.get(makeJob().id), { code: "unavailable" });
    assert.equal(logs.lines.length, 1);
  }));

test("openMysqlRepository: what the server refuses is invalid_config, no server is unavailable", async () => {
  await using server = await startMariadb();
  const dsn = await server.createDatabase();
  const wrong = {
    "Access denied": dsn.replace("p@ss:w/rd", "p@ss-wrong"),
    "Unknown database": dsn.replace(/valet_\d+/, "nowhere"),
  };
  for (const [reason, dsn] of Object.entries(wrong)) {
    await assert.rejects(openMysqlRepository({ dsn }), (error: Error) => {
      assert.equal((error as { code?: unknown }).code, "invalid_config");
      assert.match(error.message, new RegExp(reason));
      assert.doesNotMatch(error.message, /p@ss/);
      return true;
    });
  }
  server.freeze();
  try {
    await assert.rejects(openMysqlRepository({ dsn: `${dsn}timeout=200ms` }), {
      code: "unavailable",
      message: `Cannot use MySQL: connect ETIMEDOUT 127.0.0.1:${server.port}`,
    });
  } finally {
    server.thaw();
  }
  await server.kill();
  await assert.rejects(openMysqlRepository({ dsn }), {
    code: "unavailable",
    message: /MySQL: .*ECONNREFUSED/,
  });
});

test("openMysqlRepository says what to do where TLS does not work", async () => {
  await using server = await startMariadb({ args: ["--skip-ssl"] });
  const dsn = await server.createDatabase("tls=true");
  await assert.rejects(openMysqlRepository({ dsn }), {
    code: "invalid_config",
    message: /the server has no TLS; .* tls of MYSQL_DSN and MYSQL_CA_PEM_FILE/,
  });
});

Deno.test("openMysqlRepository without a DSN is invalid_config and says where it comes from", async () => {
  for (const options of [undefined, {}, { dsn: undefined }, { dsn: " " }]) {
    await assert.rejects(openMysqlRepository(options), {
      code: "invalid_config",
      message: /MYSQL_DSN or the Docker secret/,
    });
  }
});
