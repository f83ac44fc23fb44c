import assert from "node:assert/strict";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { registerTasks, type Task } from "../../src/task.ts";
import { describeTask } from "../../src/task_description.ts";

function describe(task: Task): Record<string, unknown> {
  const registered = registerTasks({ my_task: task }).get("my_task");
  assert.ok(registered);
  // As clients see it: what is undefined is left out.
  return JSON.parse(JSON.stringify(describeTask(registered)));
}

Deno.test("describeTask tells the name of a plain function and that it has no permissions", () => {
  assert.deepEqual(describe(() => {}), {
    name: "my_task",
    permissions: {},
    has_params_schema: false,
  });
});

Deno.test("describeTask tells timeout, permissions and the schema as JSON Schema", () => {
  const params = toStandardJsonSchema(v.object({ url: v.string() }));
  const { params_schema: schema, ...rest } = describe({
    params,
    timeout: { seconds: 2 },
    permissions: { net: ["example.com"] },
    run: () => {},
  });
  assert.deepEqual(rest, {
    name: "my_task",
    permissions: { net: ["example.com"] },
    timeout_ms: 2_000,
    has_params_schema: true,
  });
  const { type, properties, required } = schema as Record<string, unknown>;
  assert.deepEqual({ type, properties, required }, {
    type: "object",
    properties: { url: { type: "string" } },
    required: ["url"],
  });
});

Deno.test("describeTask leaves the schema out where it has no JSON form", () => {
  const plain = v.object({ url: v.string() });
  const strange = toStandardJsonSchema(v.object({ when: v.date() }));
  for (const params of [plain, strange]) {
    assert.deepEqual(describe({ params, run: () => {} }), {
      name: "my_task",
      permissions: {},
      has_params_schema: true,
    });
  }
});
