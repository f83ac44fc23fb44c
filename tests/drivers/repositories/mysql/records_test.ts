// What the mysql repository keeps beyond the suite: large texts, hostile ones, and inserts whose answer is lost.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { openMysqlRepository } from "../../../../drivers/repositories/mysql/repository.ts";
import { toBytes } from "../../../../drivers/repositories/mysql/ids.ts";
import type { Repository } from "../../../../src/jobs/repository.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { claimJob, claimJobs, runJob } from "../../../testing/claim_jobs.ts";
import { assertPagesOfLargeJobs } from "../../../testing/large_jobs.ts";
import { makeClaim, makeFinish, makeJob, makeJobs } from "../../../testing/make_job.ts";
import { type MariadbServer, startMariadb } from "../../../testing/mariadb_server.ts";
import { skipOnOldRuntime } from "../../../testing/old_runtime.ts";
import { testNeeding } from "../../../testing/needs.ts";

const test = testNeeding("mariadb");
let server: MariadbServer;

test.beforeAll(async () => {
  server = await startMariadb();
});

test.afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function testOn(
  test: (repository: Repository) => Promise<void>,
  parameters?: string,
): Promise<void> {
  const repository = await openMysqlRepository({ dsn: await server.createDatabase(parameters) });
  try {
    await test(repository);
  } finally {
    await repository.close();
  }
}

const hostileTexts = [
  "'; DROP TABLE valet_jobs; --",
  '\\" OR 1=1 -- \\',
  "? ?? :name %s ${x}",
  '"], ["x',
  "\u0000 in \u0000",
  "\u{1F600} \u{10FFFF} \u200D",
  "\\u0000 \\n \\\\",
];

test("mysql: no text is ever part of a statement", () =>
  testOn(async (repository) => {
    for (const text of hostileTexts) {
      const paramsJson = JSON.stringify({ text });
      const job = makeJob({ name: text, description: text, taskName: text, paramsJson });
      await repository.insert([job]);
      assert.deepEqual((await repository.list({ taskName: text, limit: 10 })).jobs, [job]);
      assert.deepEqual((await repository.list({ text, limit: 10 })).jobs, [job]);
      const failure = { status: "FAILED", resultJson: undefined, failureReason: text } as const;
      assert.equal((await runJob(repository, job.id, failure)).failureReason, text);
      assert.equal((await repository.get(job.id))?.failureReason, text);
      assert.equal((await repository.getResult(job.id))?.error, text);
      const other = makeJob();
      await repository.insert([other]);
      await runJob(repository, other.id, { resultJson: paramsJson });
      assert.equal((await repository.getResult(other.id))?.metadataJson, paramsJson);
      await repository.change([{ kind: "edit", id: other.id, name: text }], repository.now());
      assert.equal((await repository.get(other.id))?.name, text);
    }
    assert.equal((await repository.count()).byStatus.FAILED, hostileTexts.length);
  }));

test("mysql: 40 MiB of params and results travel in packets of 4 MiB", () =>
  testOn(async (repository) => {
    const paramsJson = JSON.stringify({ text: '"\u20AC'.repeat(150_000) });
    const jobs = makeJobs(40, { paramsJson });
    await Promise.all([repository.insert(jobs.slice(0, 20)), repository.insert(jobs.slice(20))]);
    const held = await claimJobs(repository, jobs.map((job) => job.id));
    assert.ok(held.every((job) => job.paramsJson === paramsJson));
    const finishes = held.map((job) => makeFinish(job, { resultJson: paramsJson }));
    const done = await repository.change(finishes, repository.now());
    assert.ok(done.every((job) => job?.status === "COMPLETED"));
    for (const { id } of jobs) {
      assert.ok((await repository.getResult(id))?.metadataJson === paramsJson);
    }
  }, "maxAllowedPacket=4194304"));

test("mysql: find ends a page at 4 MiB of large jobs, and the next one goes on", () =>
  testOn(assertPagesOfLargeJobs));

test("mysql: what fits in no packet is too_large, names the limit, and harms no other call", () =>
  testOn(async (repository) => {
    const large = makeJob({ paramsJson: JSON.stringify("\u20AC".repeat(400_000)) });
    const [other, running] = makeJobs(2);
    await repository.insert([running!]);
    const inserts = await Promise.allSettled([
      repository.insert([other!]),
      repository.insert([large]),
      repository.insert([large, makeJob()]),
    ]);
    assert.deepEqual(inserts.map(({ status }) => status), ["fulfilled", "rejected", "rejected"]);
    const limit = { code: "too_large", message: /max_allowed_packet of MySQL allows 1048576/ };
    await assert.rejects(repository.insert([large]), limit);
    const held = await claimJob(repository, running!.id);
    const finish = makeFinish(held, { resultJson: large.paramsJson });
    await assert.rejects(repository.change([finish], repository.now()), limit);
    assert.deepEqual(await repository.get(running!.id), held);
    assert.equal((await repository.list({ limit: 10 })).jobs.length, 2);
  }, "maxAllowedPacket=1048576"));

test("mysql: an insert of many jobs is all or none", () =>
  testOn(async (repository) => {
    const jobs = makeJobs(200);
    await repository.insert([jobs[150]!]);
    await assert.rejects(repository.insert(jobs), {
      code: "already_exists",
      message: new RegExp(jobs[150]!.id),
    });
    assert.equal((await repository.count()).waiting, 1);
  }));

test("mysql: concurrent calls share groups, and each has its own answer", () =>
  testOn(async (repository) => {
    const jobs = makeJobs(100);
    const taken = jobs.filter((_, i) => i % 10 === 0);
    await repository.insert(taken);
    const inserts = await Promise.allSettled(jobs.map((job) => repository.insert([job])));
    for (const [i, { status }] of inserts.entries()) {
      assert.equal(status, i % 10 === 0 ? "rejected" : "fulfilled");
    }
    const claims = await Promise.all(
      [...jobs, ...jobs].map(({ id }) => repository.change([makeClaim(id)], repository.now())),
    );
    const held = claims.flat().filter((job) => job !== null);
    assert.equal(held.length, jobs.length);
    const finishes = held.map((job, i) =>
      i % 7 === 0
        ? makeFinish(job, { status: "FAILED", resultJson: undefined, failureReason: `${i}` })
        : makeFinish(job, { resultJson: `${i}` })
    );
    const stale = makeFinish({ ...held[0]!, fence: 9 });
    const answers = await Promise.all(
      [...finishes, stale].map((finish) => repository.change([finish], repository.now())),
    );
    assert.equal(answers.pop()?.[0], null);
    for (const [i, [job]] of answers.entries()) {
      assert.equal(job?.id, held[i]!.id);
      assert.deepEqual(await repository.get(job!.id), job);
      const result = await repository.getResult(job!.id);
      assert.equal(i % 7 === 0 ? result?.error : result?.metadataJson, `${i}`);
    }
  }));

test("mysql: a pool of one connection serves every call", async () => {
  const dsn = await server.createDatabase();
  const bounds = { connectionMaxLifetimeMs: 1, maxIdleConnections: 1, maxOpenConnections: 1 };
  const repository = await openMysqlRepository({ dsn, ...bounds });
  try {
    const jobs = makeJobs(20);
    await Promise.all(jobs.map((job) => repository.insert([job])));
    await Promise.all([
      ...jobs.map(({ id }) => repository.get(id)),
      repository.count(),
      repository.list({ limit: 10, text: "a" }),
      repository.health(),
      repository.delete(jobs[0]!.id),
      runJob(repository, jobs[1]!.id),
    ]);
    const connections = await server.query("SHOW PROCESSLIST");
    assert.ok(connections.filter(({ db }) => dsn.includes(`/${db}?`)).length <= 1);
  } finally {
    await repository.close();
  }
});

/** A way to the server that can lose an answer: what was asked is done, and the connection is gone. */
class LossyProxy implements AsyncDisposable {
  /** Loses the answer to the next request that holds this text, of one byte a character. */
  losesAnswerTo: string | undefined;
  lostCount = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #port: number;
  readonly #connections = new Set<Deno.Conn>();
  readonly #serving: Promise<unknown>;
  readonly #pipes: Promise<void>[] = [];

  constructor(port: number) {
    this.#port = port;
    this.#serving = this.#serve();
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async #serve(): Promise<void> {
    for await (const client of this.#listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
      this.#connections.add(client).add(server);
      let isLosing = false;
      const onRequest = (request: string) => {
        if (this.losesAnswerTo === undefined || !request.includes(this.losesAnswerTo)) return true;
        this.losesAnswerTo = undefined;
        return isLosing = true;
      };
      const onAnswer = () => {
        if (isLosing) this.lostCount++;
        return !isLosing;
      };
      this.#pipes.push(
        this.#pipe(client, server, onRequest),
        this.#pipe(server, client, onAnswer),
      );
    }
  }

  async #pipe(from: Deno.Conn, to: Deno.Conn, passes: (text: string) => boolean): Promise<void> {
    const buffer = new Uint8Array(65_536);
    // An end that is closed while it is read has nothing more to say.
    const read = () => from.read(buffer).catch(() => null);
    for (let count = await read(); count !== null; count = await read()) {
      const bytes = buffer.subarray(0, count);
      if (!passes(Buffer.from(bytes).toString("latin1"))) break;
      for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
    }
    for (const end of [from, to]) if (this.#connections.delete(end)) end.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    this.#connections.clear();
    await this.#serving;
    await Promise.all(this.#pipes);
  }
}

const lostAnswers = skipOnOldRuntime(
  "mysql: calls whose answer was lost are repeated, and done once",
  "a connection that is being read stays open behind its close",
  "2.9.6",
);
test(lostAnswers, async () => {
  await using logs = new CapturedLogs();
  await using proxy = new LossyProxy(server.port);
  const dsn = (await server.createDatabase()).replace(`:${server.port})`, `:${proxy.port})`);
  const repository = await openMysqlRepository({ dsn });
  const lose = async <Answer>(text: string, call: () => Promise<Answer>): Promise<Answer> => {
    const { lostCount } = proxy;
    proxy.losesAnswerTo = text;
    const answer = await call();
    assert.equal(proxy.lostCount, lostCount + 1, `the answer to ${text} was lost`);
    return answer;
  };
  try {
    const [job, many] = [makeJob({ name: "a marked job" }), makeJobs(100, { name: "of many" })];
    await lose("a marked job", () => repository.insert([job]));
    assert.deepEqual(await repository.get(job.id), job);
    await lose("of many", () => repository.insert(many));
    assert.equal((await repository.count()).waiting, 101);
    await assert.rejects(repository.insert([job]), { code: "already_exists" });

    const claimed = await lose(
      toBytes(job.id).toString("latin1"),
      () => claimJob(repository, job.id),
    );
    assert.deepEqual([claimed.fence, claimed.attempt], [1, 1]);
    assert.equal((await repository.change([makeClaim(job.id)], repository.now()))[0], null);
    const finish = makeFinish(claimed, { resultJson: '"marked"' });
    const [finished] = await lose('"marked"', () => repository.change([finish], repository.now()));
    assert.equal(finished?.status, "COMPLETED");
    assert.equal((await repository.getResult(job.id))?.metadataJson, '"marked"');
    assert.deepEqual(logs.lines, []);
  } finally {
    await repository.close();
  }
});
