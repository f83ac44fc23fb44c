import assert from "node:assert/strict";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { describeTask } from "../../../src/tasks/describe_task.ts";
import { taskJson } from "../../../src/tasks/description.ts";
import { loadedTask } from "../../../src/tasks/loaded_task.ts";
import type { Task } from "../../../src/tasks/task.ts";

async function describe(task: Task): Promise<Record<string, unknown>> {
  const { permissions = {} } = task as { permissions?: Deno.PermissionOptionsObject };
  const description = await describeTask(loadedTask("my_task", task), permissions);
  // As clients see it: what is undefined is left out.
  return JSON.parse(JSON.stringify(taskJson(description)));
}

Deno.test("describeTask tells the name of a plain function and that it has no permissions", async () => {
  assert.deepEqual(await describe(() => {}), {
    name: "my_task",
    permissions: {},
    has_params_schema: false,
  });
});

const plainSchema = v.object({ url: v.string() });
const otherVendor: StandardSchemaV1 = {
  "~standard": { ...plainSchema["~standard"], vendor: "other" },
};

for (
  const [name, params] of [
    ["of Valibot", plainSchema],
    ["that offers its JSON form itself", toStandardJsonSchema(plainSchema)],
  ] as const
) {
  Deno.test(`describeTask tells timeout, permissions and a schema ${name} as JSON Schema`, async () => {
    const { params_schema: schema, ...rest } = await describe({
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
      params_checked: "run",
    });
    const { type, properties, required } = schema as Record<string, unknown>;
    assert.deepEqual({ type, properties, required }, {
      type: "object",
      properties: { url: { type: "string" } },
      required: ["url"],
    });
  });
}

Deno.test("describeTask shows the defaults that are written down, and none that a function makes", async () => {
  const params = v.object({
    unit: v.optional(v.string(), "m"),
    token: v.optional(v.string(), () => "secret"),
  });
  const { params_schema: schema } = await describe({ params, run: () => {} });
  const { properties } = schema as Record<string, unknown>;
  assert.deepEqual(properties, {
    unit: { type: "string", default: "m" },
    token: { type: "string" },
  });
});

Deno.test("describeTask leaves the schema out where it has no JSON form", async () => {
  const strange = v.object({ when: v.date() });
  const big = v.object({ count: v.optional(v.any(), 1n) });
  for (const params of [otherVendor, strange, toStandardJsonSchema(strange), big]) {
    assert.deepEqual(await describe({ params, run: () => {} }), {
      name: "my_task",
      permissions: {},
      has_params_schema: true,
      params_checked: "run",
    });
  }
});
