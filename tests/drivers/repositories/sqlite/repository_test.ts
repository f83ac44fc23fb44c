import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openSqliteRepository } from "../../../../drivers/repositories/sqlite/repository.ts";
import { statements } from "../../../../drivers/repositories/sqlite/statements.ts";
import { type Job, jobStatuses } from "../../../../src/jobs/job.ts";
import type { Repository } from "../../../../src/jobs/repository.ts";
import { repositoryConformance } from "../../../conformance/repository.ts";
import { claimJob, claimJobs, runJob } from "../../../testing/claim_jobs.ts";
import { assertPagesOfLargeJobs } from "../../../testing/large_jobs.ts";
import { makeClaim, makeFinish, makeJob, makeJobs, testNowMs } from "../../../testing/make_job.ts";
import { readPages } from "../../../testing/read_pages.ts";
import { startSqliteWriter } from "../../../testing/sqlite_writer.ts";

const folder = Deno.makeTempDirSync({ prefix: "valet_sqlite_" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

let fileCount = 0;
const paths = new WeakMap<Repository, string>();

function newPath(): string {
  return `${folder}/${++fileCount}.db`;
}

async function open(path = newPath()): Promise<Repository> {
  const repository = await openSqliteRepository({ path });
  paths.set(repository, path);
  return repository;
}

async function reopen(repository: Repository): Promise<Repository> {
  await repository.close();
  return await open(paths.get(repository));
}

/** What the driver does not show: the file itself, while no repository has it open. */
function readFile<Result>(path: string, read: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(path);
  try {
    return read(database);
  } finally {
    database.close();
  }
}

repositoryConformance({ name: "sqlite", open, reopen });

Deno.test("sqlite repository: lone surrogates come back as they were", async () => {
  const repository = await open();
  const job = makeJob({ name: "a\ud800b", description: "\udc00", taskName: "\ud800\0" });
  await repository.insert([job]);
  assert.deepEqual(await repository.get(job.id), job);
  assert.deepEqual((await repository.list({ taskName: job.taskName, limit: 1 })).jobs, [job]);
  await repository.close();
});

Deno.test("sqlite repository: what the file refuses of one job harms none beside it", async () => {
  const path = newPath();
  await (await open(path)).close();
  readFile(path, (database) => {
    for (const [event, column] of [["INSERT", "name"], ["UPDATE", "result"]] as const) {
      database.exec(
        `CREATE TRIGGER no_${column} BEFORE ${event} ON jobs WHEN NEW.${column} LIKE '%bad%'
        BEGIN SELECT RAISE(ABORT, 'no such value'); END`,
      );
    }
  });
  const repository = await open(path);
  const jobs = makeJobs(3);
  const refused = { code: "invalid_argument", message: /^Cannot store job \S+ in SQLite: no such/ };
  const calls = await Promise.allSettled([
    repository.insert([jobs[0]!]),
    repository.insert([makeJob(), makeJob({ name: "bad" })]),
    repository.insert([jobs[1]!, jobs[2]!]),
  ]);
  assert.deepEqual(calls.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  assert.equal((await repository.count()).waiting, 3);
  const held = await claimJobs(repository, jobs.map(({ id }) => id));
  const finish = (i: number, resultJson: string) =>
    repository.change([makeFinish(held[i]!, { resultJson })], testNowMs);
  const ends = await Promise.allSettled([finish(0, "1"), finish(1, '"bad"'), finish(2, "3")]);
  assert.deepEqual(ends.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  await assert.rejects(finish(1, '"bad"'), refused);
  assert.deepEqual(await repository.health(), { isHealthy: true });
  assert.deepEqual(await finish(1, "2").then(([job]) => job?.status), "COMPLETED");
  assert.equal((await repository.count()).byStatus.COMPLETED, 3);
  await repository.close();
});

Deno.test("sqlite repository: times before 1970 and up to the last of a Date come back", async () => {
  const repository = await open();
  const times = [-62_135_596_800_000, -1, 0, 8_640_000_000_000_000];
  const jobs = times.map((runAtMs) => makeJob({ runAtMs, createdAtMs: runAtMs }));
  await repository.insert(jobs.toReversed());
  for (const job of jobs) assert.deepEqual(await repository.get(job.id), job);
  const found = await repository.find({ state: "due", nowMs: 0, limit: 10 });
  assert.deepEqual(found, { jobs: jobs.slice(0, 3), nextRunAtMs: times[3] });
  await repository.close();
});

Deno.test("sqlite repository: every query is led by an index and sorts nothing", async () => {
  const path = newPath();
  await (await open(path)).close();
  const { countStates, begin: _, commit: _c, rollback: _r, insert: _i, ...bounded } = statements;
  const planOf = (sql: string) =>
    readFile(
      path,
      (database) =>
        database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => String(detail)),
    );
  for (const [name, sql] of Object.entries(bounded)) {
    const plan = planOf(sql).join("; ");
    assert.match(plan, /SEARCH jobs/, name);
    assert.doesNotMatch(plan, /SCAN|TEMP B-TREE/, name);
  }
  assert.match(planOf(countStates).join(), /COVERING INDEX jobs_by_state$/);
});

Deno.test("sqlite repository: find ends a page at 4 MiB of large jobs, and the next one goes on", async () => {
  const repository = await open();
  await assertPagesOfLargeJobs(repository);
  await repository.close();
});

Deno.test("sqlite repository: counts are right after a reopen and after a failed insert", async () => {
  let repository = await open();
  const jobs = makeJobs(7);
  await repository.insert([...jobs, makeJob({ runAtMs: testNowMs })]);
  await assert.rejects(repository.insert([makeJob(), jobs[0]!]), { code: "already_exists" });
  await claimJobs(repository, [jobs[0]!.id, jobs[1]!.id]);
  await runJob(repository, jobs[2]!.id);
  const counts = await repository.count();
  assert.deepEqual(jobStatuses.map((status) => counts.byStatus[status]), [5, 0, 2, 1, 0]);
  assert.equal(counts.waiting, 4);
  repository = await reopen(repository);
  assert.deepEqual(await repository.count(), counts);
  const claim = { status: "IN_PROGRESS", limit: 10 } as const;
  await claimJob(repository, jobs[3]!.id);
  const ids = [3, 1, 0].map((i) => jobs[i]!.id);
  assert.deepEqual((await repository.list(claim)).jobs.map((job) => job.id), ids);
  await repository.close();
});

Deno.test("sqlite repository: synchronous normal stores and keeps the same", async () => {
  const path = newPath();
  const first = await openSqliteRepository({ path, synchronous: "normal" });
  const jobs = makeJobs(100);
  await Promise.all(jobs.map((job) => first.insert([job])));
  await first.close();
  const second = await open(path);
  assert.deepEqual(await readPages(second, { limit: 30 }), jobs.toReversed());
  await second.close();
});

Deno.test("sqlite repository: close leaves one file behind", async () => {
  const path = newPath();
  const repository = await open(path);
  await repository.insert(makeJobs(10));
  await repository.close();
  const name = path.slice(folder.length + 1);
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name);
  assert.deepEqual(names.filter((other) => other.startsWith(name)), [name]);
});

const wrongOptions: readonly [unknown, string][] = [
  ["valet.db", `its options are "valet.db"; an object such as { path: "valet.db" }`],
  [{ path: "" }, 'path is ""; the path of a file'],
  [{ path: ":memory:" }, 'path is ":memory:"; the path of a file'],
  [{ path: 7 }, "path is 7; the path of a file"],
  [{ path: "a\0b" }, String.raw`path is "a\u0000b"; the path of a file`],
  [{ synchronous: "off" }, 'synchronous is "off"; "full" or "normal"'],
  [{ synchronous: 2 }, 'synchronous is 2; "full" or "normal"'],
];
for (const [options, problem] of wrongOptions) {
  Deno.test(`openSqliteRepository: refuses ${JSON.stringify(options)}`, async () => {
    await assert.rejects(openSqliteRepository(options), {
      name: "ValetError",
      code: "invalid_config",
      message: `Cannot open the SQLite repository: ${problem} is allowed`,
    });
  });
}

async function assertRefused(path: string, code: string, reason: string): Promise<void> {
  await assert.rejects(openSqliteRepository({ path }), {
    name: "ValetError",
    code,
    message: `Cannot open the SQLite database ${path}: ${reason}`,
  });
}

Deno.test("openSqliteRepository: refuses a folder, and a file in a folder that is not there", async () => {
  await assertRefused(
    folder,
    "invalid_config",
    "it is a folder; the path of a file is allowed",
  );
  const missing = `there is no folder ${folder}/none; make it first`;
  await assertRefused(`${folder}/none/valet.db`, "invalid_config", missing);
  const path = newPath();
  Deno.writeTextFileSync(path, "");
  await assertRefused(
    `${path}/a.db`,
    "invalid_config",
    `there is no folder ${path}; make it first`,
  );
});

Deno.test("openSqliteRepository: takes an empty file", async () => {
  const path = newPath();
  Deno.writeTextFileSync(path, "");
  await (await open(path)).close();
});

Deno.test("openSqliteRepository: refuses a file that is no database and leaves it alone", async () => {
  const path = newPath();
  const text = "port: 8080\n".repeat(500);
  Deno.writeTextFileSync(path, text);
  const reason = "the file is no SQLite database; a new file or one of Valet is allowed";
  await assertRefused(path, "invalid_config", reason);
  await assert.rejects(openSqliteRepository({ path }), (error: Error) => error.cause !== undefined);
  assert.equal(Deno.readTextFileSync(path), text);
});

Deno.test("openSqliteRepository: refuses the database of another program and leaves it alone", async () => {
  const path = newPath();
  readFile(path, (database) => database.exec("CREATE TABLE jobs (id)"));
  const before = Deno.readFileSync(path);
  const reason = "it belongs to another program; a new file or one of Valet is allowed";
  await assertRefused(path, "invalid_config", reason);
  assert.deepEqual(Deno.readFileSync(path), before);
});

Deno.test("openSqliteRepository: refuses the schema of a newer Valet and leaves it alone", async () => {
  const path = newPath();
  await (await open(path)).close();
  readFile(path, (database) => database.exec("PRAGMA user_version = 1000"));
  const reason = "its schema is version 1000, of a newer Valet; this one knows versions up to 1";
  await assertRefused(path, "failed_precondition", reason);
  const version = readFile(path, (database) => database.prepare("PRAGMA user_version").get());
  assert.deepEqual({ ...version }, { user_version: 1000 });
});

Deno.test("openSqliteRepository: refuses a damaged database", async () => {
  const path = newPath();
  const repository = await open(path);
  await repository.insert(makeJobs(2_000));
  await repository.close();
  const bytes = Deno.readFileSync(path);
  Deno.writeFileSync(path, bytes.fill(0xff, 4096));
  await assertRefused(path, "failed_precondition", "database disk image is malformed");
});

Deno.test("openSqliteRepository: refuses a file that is open already, at once", async () => {
  const repository = await open();
  const path = paths.get(repository)!;
  const reason = "another Valet uses it; one process at a time is allowed";
  await assertRefused(path, "failed_precondition", reason);
  const other = startSqliteWriter(path);
  for await (const { word, text } of other.lines) {
    assert.equal(word, "refused");
    assert.equal(text, `Cannot open the SQLite database ${path}: ${reason}`);
  }
  await repository.insert([makeJob()]);
  await (await reopen(repository)).close();
});

Deno.test({
  name: "openSqliteRepository: refuses a file that it may not write",
  // The reason: root may write every file.
  ignore: Deno.uid() === 0,
  async fn() {
    const path = newPath();
    await (await open(path)).close();
    Deno.chmodSync(path, 0o400);
    const reason = "the file or its folder is read-only; Valet must be able to write both";
    await assertRefused(path, "invalid_config", reason);
  },
});

Deno.test("sqlite repository: kill -9 at any moment loses nothing that was answered", async () => {
  const path = newPath();
  const stored = new Map<string, Job["status"]>();
  for (let round = 0; round < 3; round++) {
    const writer = startSqliteWriter(path);
    const wanted = stored.size + 100 + Math.floor(Math.random() * 500);
    for await (const { word, id, text } of writer.lines) {
      assert.notEqual(word, "refused", text);
      if (word === "stored") stored.set(id, "PENDING");
      if (word === "claimed") stored.set(id, "IN_PROGRESS");
      if (word === "finished") stored.set(id, "COMPLETED");
      if (stored.size === wanted) writer.kill();
    }
  }
  const repository = await open(path);
  for (const [id, status] of stored) {
    const job = await repository.get(id);
    // What came after the last answer may be there too, and never less.
    assert.ok(job !== null && jobStatuses.indexOf(job.status) >= jobStatuses.indexOf(status));
    assert.equal(await repository.getResult(id) !== null, job.status === "COMPLETED");
  }
  const query = { state: "abandoned", nowMs: repository.now(), limit: 1000 } as const;
  const { jobs: abandoned } = await repository.find(query);
  const counts = (await repository.count()).byStatus;
  assert.ok(abandoned.length > 10 && abandoned.length === counts.IN_PROGRESS);
  const rescues = abandoned.map((held) => ({ kind: "rescue", held, maxCrashes: 3 } as const));
  const rescued = await repository.change(rescues, repository.now());
  assert.ok(rescued.every((job) => job?.status === "PENDING" && job.crashes === 1));
  assert.deepEqual((await repository.find(query)).jobs, []);
  await repository.close();
  const check = readFile(path, (database) => database.prepare("PRAGMA integrity_check").get());
  assert.deepEqual({ ...check }, { integrity_check: "ok" });
});

Deno.test("sqlite repository: a disk that takes no more is unavailable, and heals", async () => {
  const path = newPath();
  const writer = startSqliteWriter(path);
  const limitFiles = async (bytes: string) => {
    const args = ["--pid", String(writer.pid), `--fsize=${bytes}:`];
    assert.ok((await new Deno.Command("prlimit", { args }).output()).success);
  };
  const stored: string[] = [];
  const failed: string[] = [];
  let isHealed = false;
  for await (const { word, id, text } of writer.lines) {
    assert.notEqual(word, "refused", text);
    if (word === "stored") stored.push(id);
    if (word === "failed") {
      failed.push(id);
      assert.match(text, /^unavailable (?:un)?healthy Cannot write the SQLite database: /);
    }
    if (stored.length === 50 && failed.length === 0) await limitFiles("4096");
    if (word === "failed" && failed.length === 20) {
      assert.match(text, /^unavailable unhealthy /);
      await limitFiles("unlimited");
    }
    if (failed.length >= 20 && word === "finished" && !isHealed) {
      isHealed = true;
      writer.kill();
    }
  }
  assert.ok(isHealed && failed.length >= 20);
  const repository = await open(path);
  for (const id of stored) assert.ok(await repository.get(id), "an answered job is lost");
  for (const id of failed) {
    if (!stored.includes(id)) assert.equal(await repository.get(id), null, "a failed job is kept");
  }
  await repository.close();
});

Deno.test("sqlite repository: a finish with the finished job as held changes nothing", async () => {
  const repository = await open();
  const job = makeJob();
  await repository.insert([job]);
  const done = await runJob(repository, job.id, { resultJson: "1" });
  await repository.deleteResult(job.id);
  const again = makeFinish(done, { resultJson: "2" });
  assert.deepEqual(await repository.change([again], testNowMs), [done]);
  assert.equal(await repository.getResult(job.id), null);
  await repository.close();
});

Deno.test("sqlite repository: many calls of one turn are one group, and a bad one fails alone", async () => {
  const repository = await open();
  const jobs = makeJobs(300);
  await repository.insert([jobs[7]!]);
  const inserts = await Promise.allSettled(jobs.map((job) => repository.insert([job])));
  assert.deepEqual(inserts.flatMap(({ status }, i) => status === "rejected" ? [i] : []), [7]);
  const held = await Promise.all(
    jobs.map(async ({ id }) => (await repository.change([makeClaim(id)], repository.now()))[0]!),
  );
  await Promise.all(held.map((job) => repository.change([makeFinish(job)], repository.now())));
  assert.equal((await repository.count()).byStatus.COMPLETED, 300);
  await repository.close();
});
