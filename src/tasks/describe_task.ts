// Makes the description of a loaded task, with the JSON Schema of its params.
// Runs in a worker: the schema is task code.

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { ConversionConfig, JsonSchema as ValibotJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import type { JsonSchema, TaskDescription } from "./description.ts";
import type { LoadedTask } from "./loaded_task.ts";

/** The version of JSON Schema. */
const target = "draft-2020-12";

/** Some schemas can say themselves as JSON Schema: https://standardschema.dev/json-schema. */
type StandardProps =
  & StandardSchemaV1.Props
  & Partial<Pick<StandardJSONSchemaV1.Props, "jsonSchema">>;
type OverrideSchemaContext = Parameters<NonNullable<ConversionConfig["overrideSchema"]>>[0];

/** The description of a task that has these permissions. */
export async function describeTask(
  { name, timeoutMs, params }: LoadedTask,
  permissions: Deno.PermissionOptionsObject,
): Promise<TaskDescription> {
  const description = { name, permissions, timeoutMs, hasParamsSchema: params !== undefined };
  if (params === undefined) return description;
  const paramsSchema = await paramsJsonSchema(params);
  return {
    ...description,
    ...(paramsSchema === undefined ? {} : { paramsSchema }),
    paramsChecked: "run",
  };
}

async function paramsJsonSchema(schema: StandardSchemaV1): Promise<JsonSchema | undefined> {
  try {
    const { vendor, jsonSchema }: StandardProps = schema["~standard"];
    // Valibot leaves this to another package, which only a worker that describes such a task needs to load.
    const valibot = jsonSchema === undefined && vendor === "valibot"
      ? await import("@valibot/to-json-schema")
      : undefined;
    const shown = valibot === undefined
      ? await jsonSchema?.input({ target })
      : valibot.toJsonSchema(schema as GenericSchema, {
        typeMode: "input",
        target,
        overrideSchema,
      });
    // Not every default and example is JSON, either.
    return shown === undefined ? undefined : JSON.parse(JSON.stringify(shown));
  } catch {
    return undefined; // The standard allows it: not every schema has a JSON form.
  }
}

/** A default that a function makes is nobody's to show: it may come from the environment. */
function overrideSchema(
  { valibotSchema, jsonSchema }: OverrideSchemaContext,
): ValibotJsonSchema | undefined {
  if (!("default" in valibotSchema) || typeof valibotSchema.default !== "function") {
    return undefined;
  }
  const { default: _hidden, ...shown } = jsonSchema;
  return shown;
}
