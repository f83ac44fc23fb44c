import assert from "node:assert/strict";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { z } from "zod";
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
const otherWithForm: StandardSchemaV1 = {
  "~standard": { ...toStandardJsonSchema(plainSchema)["~standard"], vendor: "other" },
};

for (
  const [name, params, checked] of [
    ["of Valibot", plainSchema, "submit"],
    ["of Zod", z.object({ url: z.string() }), "submit"],
    ["of another library that offers its JSON form itself", otherWithForm, "run"],
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
      params_checked: checked,
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

Deno.test("describeTask leaves the schema out where it has no JSON form, or a very long one", async () => {
  const big = v.object({ count: v.optional(v.any(), 1n) });
  const long = v.object({
    kind: v.picklist(Array.from({ length: 10_000 }, (_, index) => `k${index}`)),
  });
  const throwing: StandardSchemaV1 = Object.defineProperty({ ...plainSchema }, "~standard", {
    get() {
      throw new Error("no");
    },
  });
  for (const params of [otherVendor, big, long, throwing]) {
    // Checked here, so that the one that throws is not looked at before.
    const described = await describeTask({ name: "t", timeoutMs: 0, params, run: () => {} }, {});
    assert.deepEqual(described, {
      ...{ name: "t", timeoutMs: 0, permissions: {}, hasParamsSchema: true },
      paramsChecked: "run",
    });
  }
});

const text = { type: "string" };

/** A schema of one param, what of it is shown, and whether that is all. */
for (
  const [name, schema, shown, checked] of [
    [
      "integer",
      v.pipe(v.number(), v.integer(), v.minValue(1)),
      { type: "integer", minimum: 1 },
      "submit",
    ],
    [
      "brand",
      v.pipe(v.string(), v.brand("Id"), v.minLength(1)),
      { ...text, minLength: 1 },
      "submit",
    ],
    ["picklist", v.picklist(["a", "b"]), { enum: ["a", "b"], type: "string" }, "submit"],
    ["check", v.pipe(v.string(), v.check((input) => input !== "x")), text, "run"],
    ["date", v.date(), {}, "run"],
    ["regular expression with a flag", v.pipe(v.string(), v.regex(/^a/i)), text, "run"],
    ["trim before a length", v.pipe(v.string(), v.minLength(1), v.trim(), v.maxLength(3)), {
      ...text,
      minLength: 1,
    }, "run"],
    ["transformation", v.pipe(v.string(), v.transform(Number), v.maxValue(3)), text, "run"],
    ["fallback", v.fallback(v.pipe(v.string(), v.minLength(2)), "ab"), {}, "run"],
    [
      "variant",
      v.variant("kind", [v.object({ kind: v.literal("a") }), v.object({ kind: v.literal("b") })]),
      {
        anyOf: ["a", "b"].map((kind) => ({
          ...{ type: "object", properties: { kind: { const: kind } }, required: ["kind"] },
        })),
      },
      "submit",
    ],
    [
      "message of its own",
      v.pipe(v.string(), v.regex(/^a/, "must begin with a"), v.url("is no URL")),
      {
        ...text,
        pattern: "^a",
        format: "uri",
        errorMessage: { pattern: "must begin with a", format: "is no URL" },
      },
      "submit",
    ],
  ] as [string, v.GenericSchema, Record<string, unknown>, string][]
) {
  Deno.test(`describeTask shows of a Valibot schema what clients send: ${name}`, async () => {
    const params = v.object({ at: schema });
    const { params_schema: json, params_checked } = await describe({ params, run: () => {} });
    assert.deepEqual((json as { properties: unknown }).properties, { at: shown });
    assert.equal(params_checked, checked);
  });
}

Deno.test("describeTask requires no param that has a fallback", async () => {
  const params = v.strictObject({ at: v.fallback(v.string(), "x"), url: v.string() });
  const { params_schema: json } = await describe({ params, run: () => {} });
  assert.deepEqual((json as { required: unknown }).required, ["url"]);
});

for (
  const [name, schema, shown, checked] of [
    ["integer", z.int().min(1).max(9), { type: "integer", minimum: 1, maximum: 9 }, "submit"],
    ["default", z.string().default("a"), { ...text, default: "a" }, "submit"],
    ["refinement", z.string().refine((input) => input !== "x"), text, "run"],
    ["trim before a length", z.string().trim().max(3), text, "run"],
    ["coercion", z.coerce.number().max(3), {}, "run"],
    ["preprocess", z.preprocess(Number, z.number()), {}, "run"],
    ["transformation", z.string().transform(Number), text, "run"],
    ["catch", z.string().catch("a"), {}, "run"],
    ["date", z.date(), {}, "run"],
    ["regular expression", z.string().regex(/^a$/), { ...text, pattern: "^a$" }, "submit"],
    ["regular expression with a flag", z.string().regex(/^a$/i), text, "run"],
  ] as [string, z.ZodType, Record<string, unknown>, string][]
) {
  Deno.test(`describeTask shows of a Zod schema what clients send: ${name}`, async () => {
    const params = z.object({ at: schema });
    const { params_schema: json, params_checked } = await describe({ params, run: () => {} });
    assert.deepEqual((json as { properties: unknown }).properties, { at: shown });
    assert.equal(params_checked, checked);
  });
}
