// What can be told of a task, for GET /tasks and `valet tasks`.

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { GenericSchema } from "valibot";
import type { RegisteredTask } from "./task.ts";

/** The description of a task as JSON data. `timeout_ms` is absent where the task sets no timeout. */
export async function describeTask(task: RegisteredTask): Promise<Record<string, unknown>> {
  return {
    name: task.name,
    permissions: task.permissions,
    timeout_ms: task.timeoutMs > 0 ? task.timeoutMs : undefined,
    has_params_schema: task.params !== undefined,
    params_schema: task.params === undefined ? undefined : await paramsJsonSchema(task.params),
  };
}

/** What a schema has that can say itself as JSON Schema: https://standardschema.dev/json-schema. */
interface JsonSchemaSource {
  readonly jsonSchema?: { input(options: { readonly target: "draft-2020-12" }): unknown };
}

async function paramsJsonSchema(schema: StandardSchemaV1): Promise<unknown> {
  const { vendor, jsonSchema }: StandardSchemaV1.Props & JsonSchemaSource = schema["~standard"];
  const isValibot = jsonSchema === undefined && vendor === "valibot";
  try {
    const source = isValibot ? await valibotJsonSchema(schema) : jsonSchema;
    return source?.input({ target: "draft-2020-12" });
  } catch {
    return undefined; // The standard allows it: not every schema has a JSON form.
  }
}

/** Valibot leaves this to another package, which only a node that is asked for its tasks needs to load. */
async function valibotJsonSchema(schema: StandardSchemaV1) {
  const { toStandardJsonSchema } = await import("@valibot/to-json-schema");
  return toStandardJsonSchema(schema as GenericSchema)["~standard"].jsonSchema;
}
