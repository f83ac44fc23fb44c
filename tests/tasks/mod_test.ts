import assert from "node:assert/strict";
import { describeTasks } from "../../src/executor/host/describe_tasks.ts";

Deno.test("the shipped tasks are described, each params schema in its JSON form", async () => {
  const workerUrl = new URL("../../tasks/worker.ts", import.meta.url);
  const { tasks, notice } = await describeTasks(workerUrl);
  assert.equal(notice, undefined);
  assert.deepEqual(
    [...tasks.values()].map(({ name, permissions }) => [name, permissions]),
    [["csv_report", { net: true }], ["dummytask", {}], ["http_request", { net: true }]],
  );
  for (const { name, hasParamsSchema, paramsSchema } of tasks.values()) {
    const { properties } = (paramsSchema ?? {}) as { properties?: object };
    assert.equal(hasParamsSchema, name !== "dummytask");
    if (hasParamsSchema) assert.ok("url" in properties!, name);
  }
});
