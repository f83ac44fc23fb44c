// What the server knows of a task: data that a worker has told, since only workers load tasks.
// For GET /tasks, `valet tasks`, the checks of requests and the pool.

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How long a job may run that asks for no timeout and whose task has none: 84,600 s. */
export const defaultTimeoutMs = 84_600_000;

/** A task as data. */
export interface TaskDescription {
  readonly name: string;
  readonly permissions: Deno.PermissionOptionsObject;
  /** 0: the task sets no timeout of its own. */
  readonly timeoutMs: number;
  readonly hasParamsSchema: boolean;
  /** What clients send; absent where the schema of the task has no JSON form. */
  readonly paramsSchema?: JsonSchema;
  /**
   * `submit`: `paramsSchema` says all that the task's schema checks. `run`: the task's schema checks more, right before
   * the run. Absent: the task has no schema.
   */
  readonly paramsChecked?: "submit" | "run";
}

/** The description of a task as clients see it. `timeout_ms` is absent where the task sets no timeout. */
export function taskJson(task: TaskDescription): Record<string, unknown> {
  return {
    name: task.name,
    permissions: task.permissions,
    timeout_ms: task.timeoutMs > 0 ? task.timeoutMs : undefined,
    has_params_schema: task.hasParamsSchema,
    params_schema: task.paramsSchema,
    params_checked: task.paramsChecked,
  };
}
