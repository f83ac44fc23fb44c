// Makes the description of a loaded task, with the JSON Schema of its params.
// Runs in a worker: the schema is task code.

import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { GenericSchema } from "valibot";
import type { JsonSchema, TaskDescription } from "./description.ts";
import type { LoadedTask } from "./loaded_task.ts";

/** Some schemas can say themselves as JSON Schema: https://standardschema.dev/json-schema. */
type StandardProps =
  & StandardSchemaV1.Props
  & Partial<Pick<StandardJSONSchemaV1.Props, "jsonSchema">>;

/** The longest JSON Schema, as text. */
const maxSchemaChars = 64 * 1024;

/** The description of a task that has these permissions. */
export async function describeTask(
  { name, timeoutMs, params }: LoadedTask,
  permissions: Deno.PermissionOptionsObject,
): Promise<TaskDescription> {
  const description = { name, permissions, timeoutMs, hasParamsSchema: params !== undefined };
  if (params === undefined) return description;
  return { ...description, ...await describeParams(params) };
}

/** Without a `paramsSchema` where the schema has no JSON form, which the standard allows. */
async function describeParams(
  schema: StandardSchemaV1,
): Promise<Pick<TaskDescription, "paramsSchema" | "paramsChecked">> {
  try {
    const { schema: shown, isExact } = await jsonForm(schema);
    // Not every default and example is JSON, either.
    const json = JSON.stringify(shown);
    const paramsSchema: JsonSchema = JSON.parse(json);
    if (typeof paramsSchema !== "object" || json.length > maxSchemaChars) {
      return { paramsChecked: "run" };
    }
    return { paramsSchema, paramsChecked: isExact ? "submit" : "run" };
  } catch {
    return { paramsChecked: "run" };
  }
}

/** The schema as JSON Schema, and whether that is known to say all that the schema checks. */
async function jsonForm(schema: StandardSchemaV1): Promise<{ schema: unknown; isExact: boolean }> {
  const { vendor, jsonSchema }: StandardProps = schema["~standard"];
  // Imported here: only a worker that describes such a task needs to load them.
  if (vendor === "valibot") {
    const { valibotJsonSchema } = await import("./valibot_json_schema.ts");
    return valibotJsonSchema(schema as GenericSchema);
  }
  if (jsonSchema === undefined) throw new Error("there is no JSON form");
  if (vendor === "zod") {
    const { zodJsonSchema } = await import("./zod_json_schema.ts");
    return zodJsonSchema((options) => jsonSchema.input(options));
  }
  return { schema: await jsonSchema.input({ target: "draft-2020-12" }), isExact: false };
}
