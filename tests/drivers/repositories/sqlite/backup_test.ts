import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { backUpRepository } from "../../../../drivers/mod.ts";
import { openSqliteRepository } from "../../../../drivers/repositories/sqlite/repository.ts";
import { claimJob, runJob } from "../../../testing/claim_jobs.ts";
import { makeJob, makeJobs } from "../../../testing/make_job.ts";
import { noSmallDisk, SmallDisk } from "../../../testing/small_disk.ts";
import { startSqliteWriter } from "../../../testing/sqlite_writer.ts";

/** A test with a folder of its own, which must be left with those files alone. */
function test(name: string, body: (folder: string) => Promise<readonly string[]>): void {
  Deno.test(`backUpRepository sqlite: ${name}`, async () => {
    const folder = Deno.makeTempDirSync({ prefix: "valet_backup_" });
    try {
      const expected = await body(folder);
      const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
      assert.deepEqual(names, expected);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}

const backUp = (folder: string, name = "copy.db") =>
  backUpRepository("sqlite", { path: `${folder}/valet.db` }, `${folder}/${name}`);

test("the copy has all that the open repository has, for its owner alone", async (folder) => {
  const repository = await openSqliteRepository({ path: `${folder}/valet.db` });
  const jobs = makeJobs(300);
  await repository.insert(jobs);
  await runJob(repository, jobs[0]!.id, { resultJson: '{"n":1}' });
  await claimJob(repository, jobs[1]!.id);
  const { jobCount, bytes } = await backUp(folder);
  const { size, mode } = Deno.statSync(`${folder}/copy.db`);
  assert.deepEqual([jobCount, bytes], [300, size]);
  if (Deno.build.os !== "windows") assert.equal(mode! & 0o777, 0o600);
  await repository.insert([makeJob()]);
  await repository.close();
  const copy = await openSqliteRepository({ path: `${folder}/copy.db` });
  assert.deepEqual(await copy.getResult(jobs[0]!.id), {
    jobId: jobs[0]!.id,
    metadataJson: '{"n":1}',
    error: undefined,
  });
  // What a node held when the copy was made is left to the node that opens it.
  const { jobs: abandoned } = await copy.find({ state: "abandoned", nowMs: 0, limit: 10 });
  assert.deepEqual(abandoned.map(({ id }) => id), [jobs[1]!.id]);
  assert.equal((await copy.list({ limit: 1000 })).jobs.length, 300);
  await copy.close();
  return ["copy.db", "valet.db"];
});

test("the copy of a database that is being written has every job that was answered before", async (folder) => {
  const writer = startSqliteWriter(`${folder}/valet.db`);
  const stored: string[] = [];
  let copied: Promise<unknown> | undefined;
  let before: string[] = [];
  for await (const { word, id, text } of writer.lines) {
    assert.ok(word !== "refused" && word !== "failed", text);
    if (word === "stored") stored.push(id);
    if (stored.length === 200 && copied === undefined) {
      before = [...stored];
      copied = backUp(folder).finally(() => writer.kill());
    }
  }
  await copied;
  const copy = await openSqliteRepository({ path: `${folder}/copy.db` });
  for (const id of before) assert.ok(await copy.get(id) !== null);
  await copy.close();
  return ["copy.db", "valet.db", "valet.db-lock", "valet.db-shm", "valet.db-wal"];
});

test("a database that a node left with kill -9 is copied, with its log", async (folder) => {
  const writer = startSqliteWriter(`${folder}/valet.db`);
  const stored: string[] = [];
  for await (const { word, id } of writer.lines) {
    if (word === "stored") stored.push(id);
    if (stored.length === 100) writer.kill();
  }
  assert.ok((await backUp(folder)).jobCount >= 100);
  const copy = await openSqliteRepository({ path: `${folder}/copy.db` });
  for (const id of stored) assert.ok(await copy.get(id) !== null);
  await copy.close();
  return ["copy.db", "valet.db", "valet.db-lock", "valet.db-shm", "valet.db-wal"];
});

test("refuses a file that exists, and one that another backup is making", async (folder) => {
  await (await openSqliteRepository({ path: `${folder}/valet.db` })).close();
  Deno.writeTextFileSync(`${folder}/copy.db`, "mine");
  await assert.rejects(backUp(folder), {
    code: "invalid_argument",
    message: `Cannot back up to ${folder}/copy.db: it exists; the name of a new file is allowed`,
  });
  assert.equal(Deno.readTextFileSync(`${folder}/copy.db`), "mine");
  Deno.writeTextFileSync(`${folder}/other.db.part`, "");
  await assert.rejects(backUp(folder, "other.db"), {
    code: "invalid_argument",
    message: /other\.db\.part exists, so another backup is under way or was broken off/,
  });
  await assert.rejects(backUp(folder, "none/copy.db"), {
    code: "invalid_argument",
    message: `Cannot back up to ${folder}/none/copy.db: its folder does not exist; make that first`,
  });
  return ["copy.db", "other.db.part", "valet.db"];
});

test("refuses what is no database of Valet, and makes none", async (folder) => {
  await assert.rejects(backUp(folder), {
    code: "invalid_config",
    message: `Cannot back up to ${folder}/copy.db: there is no database ${folder}/valet.db; ` +
      "repository.sqlite.path names it",
  });
  Deno.writeTextFileSync(`${folder}/valet.db`, "port: 8080\n".repeat(500));
  await assert.rejects(backUp(folder), {
    code: "invalid_config",
    message: /is no SQLite database/,
  });
  Deno.removeSync(`${folder}/valet.db`);
  const foreign = new DatabaseSync(`${folder}/valet.db`);
  foreign.exec("CREATE TABLE jobs (id)");
  foreign.close();
  await assert.rejects(backUp(folder), { code: "invalid_config", message: /another program/ });
  return ["valet.db"];
});

test("a damaged database is no backup", async (folder) => {
  const repository = await openSqliteRepository({ path: `${folder}/valet.db` });
  await repository.insert(makeJobs(2_000));
  await repository.close();
  const bytes = Deno.readFileSync(`${folder}/valet.db`);
  Deno.writeFileSync(`${folder}/valet.db`, bytes.fill(0xff, 40_960));
  await assert.rejects(backUp(folder), { code: "failed_precondition", message: /malformed/ });
  return ["valet.db", "valet.db-shm", "valet.db-wal"];
});

test("says so where another program has the database for itself", async (folder) => {
  await (await openSqliteRepository({ path: `${folder}/valet.db` })).close();
  const writer = startExclusive(`${folder}/valet.db`);
  await assert.rejects(backUp(folder), {
    code: "failed_precondition",
    message: /another process has locked it/,
  });
  writer.close();
  return ["valet.db"];
});

function startExclusive(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  return database;
}

Deno.test({
  name: "backUpRepository sqlite: a disk without room for the copy is left as it was",
  // The reason stands in the module.
  ignore: noSmallDisk !== undefined,
  async fn() {
    await using disk = SmallDisk.mount(3_000_000);
    const repository = await openSqliteRepository({ path: `${disk.path}/valet.db` });
    await repository.insert(makeJobs(2_000, { paramsJson: JSON.stringify("x".repeat(500)) }));
    disk.fill(100_000);
    await assert.rejects(backUp(disk.path), {
      code: "failed_precondition",
      message: `Cannot back up to ${disk.path}/copy.db: database or disk is full`,
    });
    assert.ok(![...Deno.readDirSync(disk.path)].some(({ name }) => name.startsWith("copy")));
    await repository.close();
  },
});

const refusals: Readonly<Record<string, RegExp>> = {
  memory: /the memory repository: it keeps jobs in the server process alone/,
  mysql: /the mysql repository: use mysqldump or mariadb-dump, with --single-transaction/,
};
for (const [name, message] of Object.entries(refusals)) {
  Deno.test(`backUpRepository ${name}: says what to use`, async () => {
    await assert.rejects(backUpRepository(name, {}, "copy"), { code: "invalid_config", message });
  });
}
