// The tables of the mysql repository: who makes them, and which index each statement goes by.

import assert from "node:assert/strict";
import { createPool } from "mysql2";
import { openMysqlRepository } from "../../../../drivers/repositories/mysql/repository.ts";
import { parseMysqlDsn } from "../../../../drivers/repositories/mysql/dsn.ts";
import {
  claimStatement,
  finishStatement,
} from "../../../../drivers/repositories/mysql/hot_statements.ts";
import { toBytes } from "../../../../drivers/repositories/mysql/ids.ts";
import type { Value } from "../../../../drivers/repositories/mysql/rows.ts";
import { statements } from "../../../../drivers/repositories/mysql/statements.ts";
import { claimJobs } from "../../../testing/claim_jobs.ts";
import { makeFinish, makeJob, makeJobs, testNowMs } from "../../../testing/make_job.ts";
import { type MariadbServer, startMariadb } from "../../../testing/mariadb_server.ts";
import { testNeeding } from "../../../testing/needs.ts";

const test = testNeeding("mariadb");
let server: MariadbServer;

test.beforeAll(async () => {
  server = await startMariadb();
});

test.afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test("openMysqlRepository: nodes that start at once make the tables once", async () => {
  const dsn = await server.createDatabase();
  const nodes = await Promise.all(Array.from({ length: 4 }, () => openMysqlRepository({ dsn })));
  try {
    const versions = await server.query("SELECT version FROM valet_schema", dsn);
    assert.deepEqual(versions, [{ version: 1 }]);
    const job = makeJob();
    await nodes[0]!.insert([job]);
    for (const node of nodes) assert.deepEqual(await node.get(job.id), job);
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
});

test("openMysqlRepository refuses tables of a newer build and leaves them alone", async () => {
  const dsn = await server.createDatabase();
  await (await openMysqlRepository({ dsn })).close();
  await server.query("INSERT INTO valet_schema (version) VALUES (99)", dsn);
  await assert.rejects(openMysqlRepository({ dsn }), {
    code: "failed_precondition",
    message: /version 99.*versions up to 1/,
  });
});

test("openMysqlRepository needs no right to make tables that are there", async () => {
  const dsn = await server.createDatabase();
  await (await openMysqlRepository({ dsn })).close();
  await server.query("CREATE USER worker IDENTIFIED BY 'pw'");
  await server.query("GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO worker");
  const repository = await openMysqlRepository({ dsn: dsn.replace(/^.*@/, "worker:pw@") });
  try {
    await repository.insert([makeJob()]);
  } finally {
    await repository.close();
  }
});

test("openMysqlRepository refuses a user who may not make the tables that are missing", async () => {
  const dsn = await server.createDatabase();
  await server.query("CREATE USER reader IDENTIFIED BY 'pw'");
  await server.query("GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO reader");
  await assert.rejects(openMysqlRepository({ dsn: dsn.replace(/^.*@/, "reader:pw@") }), {
    code: "failed_precondition",
    message:
      /^Cannot open MySQL: .*valet_schema and valet_jobs are missing.*: CREATE command denied/,
  });
});

const jobs = makeJobs(3000);
const id = toBytes(jobs[20]!.id);
const ids = JSON.stringify(["0".repeat(32)]);
const primary = "PRIMARY";
const state = "valet_jobs_state";

/** Each statement that reads or changes jobs, with its values and the index that must serve it. */
const plans: Readonly<
  Record<string, readonly [sql: string, values: readonly Value[], key: string]>
> = {
  jobs: [statements.jobs, [ids], primary],
  lockedJobs: [statements.lockedJobs, [ids], primary],
  searchedJobs: [statements.searchedJobs, [ids, null, null, "%a%", "%a%", "%a%"], primary],
  claimedJobs: [statements.claimedJobs, [ids, 1], primary],
  job: [statements.job, [id], primary],
  lockedJob: [statements.lockedJob, [id], primary],
  result: [statements.result, [id], primary],
  edit: [statements.edit, ["a", 1, null, id], primary],
  delete: [statements.delete, [id], primary],
  deleteResult: [statements.deleteResult, [id], primary],
  listAll: [statements.listAll, [id, 10], primary],
  listByState: [statements.listByState, [4, id, 10], state],
  listByTask: [statements.listByTask, ["dummytask", id, 10], "valet_jobs_task"],
  waiting: [statements.waiting, [1, id, 10], state],
  deferred: [statements.deferred, [10], "valet_jobs_due"],
  abandoned: [statements.abandoned, [10], state],
  changeWriteShort: [statements.changeWriteShort, ["[]"], primary],
  changeWrite: [statements.changeWrite, ["[]"], primary],
  claim: [claimStatement(2), [testNowMs, 1, 1, id, id], primary],
  finish: [
    finishStatement(4, "result", 1),
    [id, "1", "1", "1", null, id, 1],
    primary,
  ],
};

test("mysql: every statement goes by an index, and sorts nothing", async () => {
  const dsn = await server.createDatabase();
  const repository = await openMysqlRepository({ dsn });
  for (let start = 0; start < jobs.length; start += 500) {
    await repository.insert(jobs.slice(start, start + 500));
  }
  await repository.insert(makeJobs(300, { runAtMs: testNowMs }));
  const held = await claimJobs(repository, jobs.slice(0, 1500).map((job) => job.id));
  await repository.change(held.slice(10).map((job) => makeFinish(job)), repository.now());
  await repository.close();
  await server.query("ANALYZE TABLE valet_jobs", dsn);

  const { host, port, user, password, database } = parseMysqlDsn(dsn);
  const pool = createPool({ host, port, user, password, database });
  const explain = (sql: string, values: readonly Value[]) =>
    new Promise<Record<string, unknown>[]>((resolve, reject) => {
      // As text: an explained statement cannot be prepared everywhere.
      pool.query(`EXPLAIN ${sql}`, [...values], (error, rows) => {
        if (error) reject(error);
        else resolve(rows as Record<string, unknown>[]);
      });
    });
  try {
    for (const [name, [sql, values, key]] of Object.entries(plans)) {
      const plan = await explain(sql, values);
      const text = `${name}: ${JSON.stringify(plan)}`;
      // The rows of the JSON text have no index; each of them looks up one job.
      const steps = plan.filter(({ table }) => table !== "v");
      assert.deepEqual(steps.map((step) => step["key"]), [key], text);
      const extra = String(steps[0]!["Extra"]);
      assert.doesNotMatch(extra, /filesort/, text);
      assert.notEqual(steps[0]!["type"], "ALL", text);
    }
    const counts = await explain(statements.counts, []);
    const onTable = counts.filter(({ table }) => table === "valet_jobs");
    assert.equal(onTable.length, 6);
    for (const step of onTable) {
      assert.deepEqual([step["key"], step["Extra"]], [state, "Using index"]);
    }
  } finally {
    await new Promise<void>((resolve) => pool.end(() => resolve()));
  }
});
