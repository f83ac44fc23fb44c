// What can be told of a task, for GET /tasks and `valet tasks`.

import type { RegisteredTask } from "./task.ts";

/** The description of a task as JSON data. `timeout_ms` is absent where the task sets no timeout. */
export function describeTask(task: RegisteredTask): Record<string, unknown> {
  return {
    name: task.name,
    permissions: task.permissions,
    timeout_ms: task.timeoutMs > 0 ? task.timeoutMs : undefined,
    has_params_schema: task.params !== undefined,
    params_schema: paramsJsonSchema(task),
  };
}

/** The schema, where it offers Standard JSON Schema (https://standardschema.dev/json-schema). */
function paramsJsonSchema(task: RegisteredTask): unknown {
  const standard = task.params?.["~standard"] as
    | { jsonSchema?: { input?: (options: { target: string }) => unknown } }
    | undefined;
  try {
    return standard?.jsonSchema?.input?.({ target: "draft-2020-12" });
  } catch {
    return undefined; // The standard allows it: not every schema has a JSON form.
  }
}
