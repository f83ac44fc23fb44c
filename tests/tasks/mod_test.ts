import assert from "node:assert/strict";
import { registerTasks } from "../../src/task.ts";
import { tasks } from "../../tasks/mod.ts";

Deno.test("tasks holds the shipped tasks, each fit to be registered", () => {
  const names = [...registerTasks(tasks).keys()];
  assert.deepEqual(names, ["csv_report", "dummytask", "http_request"]);
});

Deno.test("tasks gives each params schema a JSON form", () => {
  for (const task of registerTasks(tasks).values()) {
    if (task.params === undefined) continue;
    const standard = task.params["~standard"] as unknown as {
      jsonSchema: { input(options: { target: string }): { properties: object } };
    };
    const schema = standard.jsonSchema.input({ target: "draft-2020-12" });
    assert.ok("url" in schema.properties, task.name);
  }
});
