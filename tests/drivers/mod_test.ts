import assert from "node:assert/strict";
import {
  checkQueue,
  checkRepository,
  connectQueue,
  connectRepository,
  openQueue,
  openRepository,
  queues,
  repositories,
} from "../../drivers/mod.ts";
import { ValetError } from "../../src/errors.ts";
import { makeJob } from "../testing/make_job.ts";

Deno.test("openRepository: opens a driver by name, with its options", async () => {
  const repository = await openRepository("memory", { maxMemoryMb: 1 });
  const tooLarge = makeJob({ paramsJson: "x".repeat(2 ** 20) });
  await assert.rejects(repository.insert([tooLarge]), { code: "too_large" });
  await repository.close();
});

Deno.test("openQueue: opens a driver by name, with its options", async () => {
  const queue = await openQueue("memory", { capacity: 7 });
  assert.equal(queue.room(), 7);
  await queue.close();
});

/** Options that are wrong whatever stands at the other end. */
const wrongOptions: readonly (readonly [name: string, options: unknown, reason: RegExp])[] = [
  ["memory", { maxMemoryMb: 0, capacity: 0 }, /is 0; a whole number from 1 is allowed/],
  ["sqlite", { path: "/nowhere/valet.db" }, /there is no folder \/nowhere; make it first/],
  ["sqlite", { path: "/" }, /it is a folder; the path of a file is allowed/],
  ["sqlite", { synchronous: "off" }, /synchronous is "off"/],
  ["mysql", {}, /it has no DSN/],
  ["mysql", { dsn: "user:password" }, /MYSQL_DSN/],
  ["mysql", { dsn: "user@/valet", maxIdleConnections: 0 }, /maxIdleConnections is 0/],
  ["rabbitmq", {}, /its URI is missing/],
  ["rabbitmq", { uri: "http://127.0.0.1" }, /RABBITMQ_URI does not begin with amqp/],
];
for (const [name, options, reason] of wrongOptions) {
  Deno.test(`the check of ${name} refuses ${JSON.stringify(options)} as open does`, async () => {
    for (
      const [table, check, open] of [
        [repositories, checkRepository, openRepository],
        [queues, checkQueue, openQueue],
      ] as const
    ) {
      if (!(name in table)) continue;
      for (const refused of [check(name, options), open(name, options)]) {
        await assert.rejects(refused, (error) => {
          assert.ok(error instanceof ValetError);
          assert.equal(error.code, "invalid_config");
          assert.match(error.message, reason);
          return true;
        });
      }
    }
  });
}

Deno.test("the checks take options without looking for a server or making a file", async () => {
  const folder = await Deno.makeTempDir();
  await checkRepository("memory");
  await checkRepository("sqlite", { path: `${folder}/valet.db` });
  await checkRepository("mysql", { dsn: "user@tcp(127.0.0.1:1)/valet" });
  await checkQueue("memory");
  await checkQueue("rabbitmq", { uri: "amqp://127.0.0.1:1" });
  await Deno.remove(folder);
});

for (const name of ["redis", "Memory", "", "constructor", "__proto__", "toString"]) {
  Deno.test(`openRepository and openQueue: refuse the unknown name "${name}"`, async () => {
    await assert.rejects(openRepository(name), {
      code: "invalid_config",
      message: `Cannot open the repository: ${name} is not a repository of this build; known: ` +
        "memory, sqlite, mysql",
    });
    await assert.rejects(openQueue(name), {
      code: "invalid_config",
      message: `Cannot open the job queue: ${name} is not a job queue of this build; known: ` +
        "memory, rabbitmq",
    });
  });
}

Deno.test("connecting changes nothing: it makes no file, and says why a store cannot be reached", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const options = { path: `${folder}/valet.db` };
    await connectRepository("sqlite", options);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
    await Deno.writeTextFile(
      options.path,
      "no database, but longer than the head of one: ".repeat(9),
    );
    await assert.rejects(connectRepository("sqlite", options), {
      code: "invalid_config",
      message: /the file is no SQLite database/,
    });
    await connectRepository("memory");
    await connectQueue("memory");
    const dsn = "user@tcp(127.0.0.1:1)/valet";
    await assert.rejects(connectRepository("mysql", { dsn }), { code: "unavailable" });
    const uri = "amqp://127.0.0.1:1,127.0.0.1:2";
    await assert.rejects(connectQueue("rabbitmq", { uri }), {
      code: "unavailable",
      message: /127\.0\.0\.1:1.*127\.0\.0\.1:2/,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
