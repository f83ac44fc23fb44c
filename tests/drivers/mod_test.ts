import assert from "node:assert/strict";
import { openQueue, openRepository, queues, repositories } from "../../drivers/mod.ts";
import { makeJob } from "../testing/make_job.ts";

for (const [table, kind] of [[repositories, "repository"], [queues, "queue"]] as const) {
  for (const name of Object.keys(table)) {
    Deno.test(`${name} ${kind}: runs its conformance suite`, async () => {
      const url = new URL(`${name}_${kind}_test.ts`, import.meta.url);
      const source = await Deno.readTextFile(url);
      assert.match(source, new RegExp(`^ *${kind}Conformance\\(\\{ *\\n? *name: "${name}"`, "m"));
    });
  }
}

Deno.test("openRepository: opens a driver by name, with its options", async () => {
  const repository = await openRepository("memory", { maxMemoryMb: 1 });
  const tooLarge = makeJob({ paramsJson: "x".repeat(2 ** 20) });
  await assert.rejects(repository.insert([tooLarge]), { code: "unavailable" });
  await repository.close();
});

Deno.test("openQueue: opens a driver by name, with its options", async () => {
  const queue = await openQueue("memory", { capacity: 7 });
  assert.equal(queue.room(), 7);
  await queue.close();
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
