import assert from "node:assert/strict";
import { describeTasks } from "../../../src/executor/host/describe_tasks.ts";

Deno.test("the shipped tasks are in the table, each params schema in its JSON form", async () => {
  const workerUrl = new URL("../../../tasks/worker.ts", import.meta.url);
  const { tasks } = await describeTasks(workerUrl);
  const shipped = { csv_report: { net: true }, dummytask: {}, http_request: { net: true } };
  for (const [name, permissions] of Object.entries(shipped)) {
    const task = tasks.get(name)!;
    assert.deepEqual(task.permissions, permissions);
    const { properties } = (task.paramsSchema ?? {}) as { properties?: object };
    assert.equal(task.hasParamsSchema, name !== "dummytask");
    if (task.hasParamsSchema) assert.ok("url" in properties!, name);
  }
});
