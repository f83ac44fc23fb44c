// The file of a SQLite repository as others see it, beside its content.

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteFile } from "../../../../drivers/repositories/sqlite/file.ts";
import { isNetworkType } from "../../../../drivers/repositories/sqlite/network_file.ts";
import {
  checkSqliteRepository,
  openSqliteRepository,
} from "../../../../drivers/repositories/sqlite/repository.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { makeJob, makeJobs } from "../../../testing/make_job.ts";
import { withFolder } from "../../../testing/with_folder.ts";

Deno.test({
  name:
    "openSqliteRepository: makes files that only their owner can read, and leaves the mode of others",
  // The reason: it has no such modes.
  ignore: Deno.build.os === "windows",
  async fn() {
    const modeOf = (path: string) => Deno.statSync(path).mode! & 0o777;
    const folder = Deno.makeTempDirSync({ prefix: "valet_sqlite_" });
    const path = `${folder}/valet.db`;
    const open = () => openSqliteRepository({ path });
    const umask = Deno.umask(0o022);
    try {
      const repository = await open();
      await repository.insert([makeJob()]);
      const beside = ["-wal", "-shm", "-lock"].map((end) => path + end);
      assert.deepEqual([path, ...beside].map(modeOf), [0o600, 0o600, 0o600, 0o600]);
      await repository.close();
      Deno.chmodSync(path, 0o640);
      await (await open()).close();
      assert.equal(modeOf(path), 0o640);
    } finally {
      Deno.umask(umask);
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "openSqliteRepository: follows a symbolic link, also to a file that is not there yet",
  // The reason: making one takes a privilege there.
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = Deno.makeTempDirSync({ prefix: "valet_sqlite_" });
    try {
      Deno.symlinkSync(`${folder}/valet.db`, `${folder}/link.db`);
      const job = makeJob();
      for (const name of ["link.db", "valet.db", "link.db/"]) {
        const repository = await openSqliteRepository({ path: `${folder}/${name}` });
        if (name === "link.db") await repository.insert([job]);
        assert.deepEqual(await repository.get(job.id), job);
        await repository.close();
      }
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "sqlite repository: a symbolic link that leads elsewhere is noticed",
  // The reason: making one takes a privilege there.
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFile(async (path) => {
      await using _logs = new CapturedLogs();
      const link = `${path}.link`;
      Deno.symlinkSync(path, link);
      const repository = await openSqliteRepository({ path: link });
      Deno.writeTextFileSync(`${path}.other`, "");
      Deno.removeSync(link);
      Deno.symlinkSync(`${path}.other`, link);
      const expected = `Cannot write the SQLite database: ${link} was deleted, moved or replaced ` +
        "while Valet had it open; put it back, or a backup of it, and start Valet again";
      assert.deepEqual(await repository.health(), { isHealthy: false, reason: expected });
      await assert.rejects(repository.insert([makeJob()]), {
        code: "unavailable",
        message: expected,
      });
      await repository.close();
    }),
});

Deno.test({
  name: "openSqliteRepository: refuses a path that Deno lets nobody use in its own words",
  permissions: { read: true, write: true },
  // The reason: there is no /proc elsewhere.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const path = "/proc/1/valet.db";
    const isRefusal = (error: Error) => {
      assert.match(error.message, /^Cannot open the SQLite database \/proc\/1\/valet.db: /);
      assert.doesNotMatch(error.message, /allow-all/);
      return true;
    };
    await assert.rejects(openSqliteRepository({ path }), isRefusal);
    await assert.rejects(checkSqliteRepository({ path }), isRefusal);
  },
});

/** What another process gets or says that uses the file. */
async function readAsOther(path: string, sql: string): Promise<string> {
  const script = `import { DatabaseSync } from "node:sqlite";
    const [path, sql] = Deno.args;
    const database = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    try {
      console.log(JSON.stringify(database.prepare(sql).all()));
    } catch (error) {
      console.log(error.message);
    }`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-lock", script, path, sql],
    stderr: "inherit",
  });
  return new TextDecoder().decode((await child.output()).stdout).trim();
}

const withFile = (use: (path: string) => Promise<void>) =>
  withFolder((folder) => use(`${folder}/valet.db`));

Deno.test("sqlite repository: another process reads what was answered, and stops no write", () =>
  withFile(async (path) => {
    const repository = await openSqliteRepository({ path });
    const job = makeJob();
    await repository.insert([job]);
    assert.equal(await readAsOther(path, "SELECT id FROM jobs"), `[{"id":"${job.id}"}]`);
    const reader = new DatabaseSync(path, { readOnly: true });
    reader.exec("BEGIN");
    assert.deepEqual({ ...reader.prepare("SELECT count(*) AS n FROM jobs").get() }, { n: 1 });
    await repository.insert(makeJobs(5_000));
    assert.deepEqual({ ...reader.prepare("SELECT count(*) AS n FROM jobs").get() }, { n: 1 });
    reader.close();
    assert.equal(await readAsOther(path, "SELECT count(*) AS n FROM jobs"), '[{"n":5001}]');
    await repository.close();
    assert.equal(await readAsOther(path, "SELECT count(*) AS n FROM jobs"), '[{"n":5001}]');
  }));

Deno.test("sqlite repository: a program that writes makes it unavailable, and its end heals it", () =>
  withFile(async (path) => {
    await using logs = new CapturedLogs();
    const repository = await openSqliteRepository({ path });
    const writer = new DatabaseSync(path);
    writer.exec("BEGIN IMMEDIATE");
    await assert.rejects(repository.insert([makeJob()]), {
      code: "unavailable",
      message: /locked/,
    });
    assert.equal((await repository.health()).isHealthy, false);
    writer.exec("ROLLBACK");
    writer.close();
    await logs.waitFor({ level: "info", message: "the SQLite database can be written again" });
    assert.equal((await repository.health()).isHealthy, true);
    await repository.insert([makeJob()]);
    await repository.close();
  }));

Deno.test("openSqliteRepository: says so where another program has locked the file", () =>
  withFile(async (path) => {
    await (await openSqliteRepository({ path })).close();
    const writer = new DatabaseSync(path);
    writer.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    await assert.rejects(openSqliteRepository({ path }), {
      code: "failed_precondition",
      message: `Cannot open the SQLite database ${path}: another process has locked it; ` +
        "end that process, or what it does with the file",
    });
    writer.close();
    await (await openSqliteRepository({ path })).close();
  }));

Deno.test("openSqliteRepository: a lock file that was left behind locks nothing out", () =>
  withFile(async (path) => {
    Deno.writeTextFileSync(`${path}-lock`, "");
    await (await openSqliteRepository({ path })).close();
    assert.deepEqual([...Deno.readDirSync(dirname(path))].map(({ name }) => name), ["valet.db"]);
  }));

Deno.test("openSqliteFile: on a network file system it has the file for itself", () =>
  withFile(async (path) => {
    const open = () => openSqliteFile(path, () => Promise.resolve(false));
    const file = await open();
    file.jobs.transaction(() => file.jobs.insert([makeJob()]));
    assert.equal(await readAsOther(path, "SELECT * FROM jobs"), "database is locked");
    await assert.rejects(open(), { message: /another process has locked it/ });
    assert.equal(file.watch.findMissing(), undefined);
    file.close();
    assert.equal(await readAsOther(path, "SELECT count(*) AS n FROM jobs"), '[{"n":1}]');
  }));

Deno.test("openSqliteFile: a look for room that another program stops leaves the cache as it was", () =>
  withFile(async (path) => {
    const file = await openSqliteFile(path);
    const writer = new DatabaseSync(path);
    writer.exec("BEGIN IMMEDIATE");
    assert.throws(() => file.assertRoom(1), { message: /locked/ });
    writer.close();
    const logBytes = () => Deno.statSync(`${path}-wal`).size;
    const before = logBytes();
    file.jobs.transaction(() => {
      file.jobs.insert(makeJobs(20, { description: "x".repeat(60_000) }));
      assert.equal(logBytes(), before, "all of it waits in memory for the commit");
    });
    assert.ok(logBytes() > before);
    file.close();
  }));

Deno.test("openSqliteFile: a log that somebody reads cannot be emptied, which is told", () =>
  withFile(async (path) => {
    const file = await openSqliteFile(path);
    file.jobs.transaction(() => file.jobs.insert([makeJob()]));
    const reader = new DatabaseSync(path, { readOnly: true });
    reader.exec("BEGIN; SELECT count(*) FROM jobs");
    file.jobs.transaction(() => file.jobs.insert([makeJob()]));
    assert.throws(() => file.emptyLog(), { message: "another program reads the database" });
    // There is room all the same.
    file.assertRoom(100_000);
    reader.close();
    file.emptyLog();
    assert.equal(Deno.statSync(`${path}-wal`).size, 0);
    file.close();
  }));

Deno.test("isNetworkType knows NFS and CIFS, signed or not, and no disk", () => {
  assert.ok([0x6969, 0xff534d42, 0xff534d42 | 0, 0x65735546].every(isNetworkType));
  assert.ok(![0xef53, 0x58465342, 0x9123683e | 0, 0x01021994, 0x794c7630].some(isNetworkType));
});
