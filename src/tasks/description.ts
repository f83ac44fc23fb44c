// What can be told of a task, for GET /tasks and `valet tasks`.

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { ConversionConfig, JsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import type { RegisteredTask } from "./task.ts";

/** The version of JSON Schema. */
const target = "draft-2020-12";

/** Some schemas can say themselves as JSON Schema: https://standardschema.dev/json-schema. */
type StandardProps =
  & StandardSchemaV1.Props
  & Partial<Pick<StandardJSONSchemaV1.Props, "jsonSchema">>;
type OverrideSchemaContext = Parameters<NonNullable<ConversionConfig["overrideSchema"]>>[0];

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

async function paramsJsonSchema(schema: StandardSchemaV1): Promise<unknown> {
  const { vendor, jsonSchema }: StandardProps = schema["~standard"];
  // Valibot leaves this to another package, which only a node that is asked for its tasks needs to load.
  const valibot = jsonSchema === undefined && vendor === "valibot"
    ? await import("@valibot/to-json-schema")
    : undefined;
  try {
    const shown = valibot === undefined
      ? await jsonSchema?.input({ target })
      : valibot.toJsonSchema(schema as GenericSchema, {
        typeMode: "input",
        target,
        overrideSchema,
      });
    // Not every default and example is JSON, either.
    JSON.stringify(shown);
    return shown;
  } catch {
    return undefined; // The standard allows it: not every schema has a JSON form.
  }
}

/** A default that a function makes is nobody's to show: it may come from the environment. */
function overrideSchema(
  { valibotSchema, jsonSchema }: OverrideSchemaContext,
): JsonSchema | undefined {
  if (!("default" in valibotSchema) || typeof valibotSchema.default !== "function") {
    return undefined;
  }
  const { default: _hidden, ...shown } = jsonSchema;
  return shown;
}
