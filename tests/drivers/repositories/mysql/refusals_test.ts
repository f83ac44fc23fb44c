// What a real server refuses for good: it is told as that, with the sizes, and harms nobody else.

import assert from "node:assert/strict";
import { openMysqlRepository } from "../../../../drivers/repositories/mysql/repository.ts";
import type { Job } from "../../../../src/jobs/job.ts";
import type { Repository } from "../../../../src/jobs/repository.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { claimJobs } from "../../../testing/claim_jobs.ts";
import { makeFinish, makeJob, makeJobs } from "../../../testing/make_job.ts";
import { type MariadbServer, startMariadb } from "../../../testing/mariadb_server.ts";
import { testNeeding } from "../../../testing/needs.ts";

const maxBytes = 131_072;
const test = testNeeding("mariadb");
let server: MariadbServer;

test.beforeAll(async () => {
  server = await startMariadb({ args: [`--max-allowed-packet=${maxBytes}`] });
});
test.afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Runs a test on a fresh database that must never seem lost. */
async function testOn(
  body: (repository: Repository, dsn: string) => Promise<void>,
): Promise<void> {
  await using logs = new CapturedLogs();
  const dsn = await server.createDatabase();
  const repository = await openMysqlRepository({ dsn });
  try {
    await body(repository, dsn);
    assert.deepEqual(await repository.health(), { isHealthy: true });
    assert.deepEqual(logs.lines, []);
  } finally {
    await repository.close();
  }
}

async function makeHeld(repository: Repository, count: number): Promise<Job[]> {
  const jobs = makeJobs(count);
  await repository.insert(jobs);
  return await claimJobs(repository, jobs.map(({ id }) => id));
}

/** Finishes each job by a call of its own, at once; the answer of each. */
async function finishEach(repository: Repository, held: readonly Job[], texts: readonly string[]) {
  const answers = await Promise.allSettled(
    held.map((job, i) =>
      repository.change([makeFinish(job, { resultJson: texts[i]! })], repository.now())
    ),
  );
  return answers.map((answer) =>
    answer.status === "fulfilled" ? answer.value[0]?.status : answer.reason.code
  );
}

const large = (bytes: number) => JSON.stringify("x".repeat(bytes));

test("mysql: a job and an outcome beyond max_allowed_packet are too_large, with both sizes", () =>
  testOn(async (repository) => {
    const sizes = {
      code: "too_large",
      message: /: it takes 200\d{3} bytes; max_allowed_packet of MySQL allows 131072$/,
    };
    await assert.rejects(repository.insert([makeJob({ paramsJson: large(200_000) })]), sizes);
    const [held] = await makeHeld(repository, 1);
    const finish = makeFinish(held!, { resultJson: large(200_000) });
    await assert.rejects(repository.change([finish], repository.now()), sizes);
    const edit = { kind: "edit", id: held!.id, description: "x".repeat(200_000) } as const;
    await assert.rejects(repository.change([edit], repository.now()), { code: "too_large" });
  }));

test("mysql: a limit that shrinks while connections are open is told with both sizes as well", () =>
  testOn(async (repository) => {
    const held = await makeHeld(repository, 3);
    await server.query("SET GLOBAL max_allowed_packet = 65536");
    try {
      // The session that made these has the old limit; others are opened beside it.
      const texts = [1, 100_000, 1].map(large);
      for (let round = 0; round < 40; round++) {
        const inserts = await Promise.allSettled(
          Array.from({ length: 8 }, () => repository.insert([makeJob({ paramsJson: texts[1]! })])),
        );
        const refused = inserts.find(({ status }) => status === "rejected");
        if (refused === undefined) continue;
        const { code, message } = (refused as PromiseRejectedResult).reason;
        assert.equal(code, "too_large");
        assert.match(message, /it takes 100\d{3} bytes; max_allowed_packet of MySQL allows 65536$/);
        break;
      }
      const answers = await finishEach(repository, held, texts);
      assert.deepEqual(answers, ["COMPLETED", "too_large", "COMPLETED"]);
    } finally {
      await server.query(`SET GLOBAL max_allowed_packet = ${maxBytes}`);
    }
  }));

test("mysql: a limit that shrinks counts from the next look on, also if that is on an older connection", () =>
  testOn(async (repository) => {
    await repository.insert([makeJob({ paramsJson: large(100_000) })]);
    await server.query("SET GLOBAL max_allowed_packet = 65536");
    try {
      assert.deepEqual(await repository.health(), { isHealthy: true });
      await assert.rejects(repository.insert([makeJob({ paramsJson: large(100_000) })]), {
        code: "too_large",
        message: /it takes 100\d{3} bytes; max_allowed_packet of MySQL allows 65536$/,
      });
    } finally {
      await server.query(`SET GLOBAL max_allowed_packet = ${maxBytes}`);
    }
  }));

test("mysql: an outcome that a column cannot hold harms none of those in its group", () =>
  testOn(async (repository, dsn) => {
    await server.query("ALTER TABLE valet_jobs MODIFY result VARCHAR(100) NULL", dsn);
    const held = await makeHeld(repository, 100);
    const texts = held.map((_, i) => large(i % 10 === 5 ? 1_000 : 10));
    const answers = await finishEach(repository, held, texts);
    for (const [i, answer] of answers.entries()) {
      assert.equal(answer, i % 10 === 5 ? "too_large" : "COMPLETED");
    }
    const failed = { status: "FAILED", resultJson: undefined, failureReason: "too large" } as const;
    const refused = held.filter((_, i) => i % 10 === 5);
    const done = await repository.change(
      refused.map((job) => makeFinish(job, failed)),
      repository.now(),
    );
    assert.ok(done.every((job) => job?.status === "FAILED"));
  }));

test("mysql: a text that a column cannot hold is invalid_argument, and harms none beside it", () =>
  testOn(async (repository, dsn) => {
    const latin = "TEXT CHARACTER SET latin1 NULL";
    await server.query(
      `ALTER TABLE valet_jobs MODIFY result ${latin}, MODIFY params ${latin}`,
      dsn,
    );
    const held = await makeHeld(repository, 20);
    const texts = held.map((_, i) => i === 7 ? '"\u{1F600}"' : '"plain"');
    const answers = await finishEach(repository, held, texts);
    assert.deepEqual(
      answers.map((answer, i) => i === 7 ? answer : "").join(""),
      "invalid_argument",
    );
    assert.equal(answers.filter((answer) => answer === "COMPLETED").length, 19);
    const inserts = await Promise.allSettled(
      texts.map((paramsJson) => repository.insert([makeJob({ paramsJson })])),
    );
    assert.equal(inserts.filter(({ status }) => status === "rejected").length, 1);
  }));

test("mysql: a server whose packets are too small for Valet is refused at the start", async () => {
  const dsn = await server.createDatabase("maxAllowedPacket=65535");
  await assert.rejects(openMysqlRepository({ dsn }), {
    code: "invalid_config",
    message: /^Cannot open MySQL: its packets have at most 65535 bytes; .* to 65536 or more$/,
  });
});
