import assert from "node:assert/strict";
import { registerTasks } from "../../src/tasks/task.ts";
import { describeTask } from "../../src/tasks/description.ts";
import { tasks } from "../../tasks/mod.ts";

Deno.test("tasks holds the shipped tasks, each fit to be registered", () => {
  const names = [...registerTasks(tasks).keys()];
  assert.deepEqual(names, ["csv_report", "dummytask", "http_request"]);
});

Deno.test("tasks gives each params schema a JSON form", async () => {
  for (const task of registerTasks(tasks).values()) {
    if (task.params === undefined) continue;
    const { params_schema: schema } = await describeTask(task);
    assert.ok("url" in (schema as { properties: object }).properties, task.name);
  }
});
