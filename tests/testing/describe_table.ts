// The descriptions of tasks of which a test has the functions themselves, as workers would tell them.

import type { TaskDescription } from "../../src/tasks/description.ts";
import { loadedTask, problemsOfTask } from "../../src/tasks/loaded_task.ts";
import type { Task } from "../../src/tasks/task.ts";

/** Describes the tasks of a table that has no lazy entries; schemas are not shown as JSON. */
export function describeTable(
  table: Readonly<Record<string, Task>>,
): ReadonlyMap<string, TaskDescription> {
  return new Map(
    Object.entries(table).map(([name, task]) => {
      const problems = problemsOfTask(task);
      if (problems.length > 0) {
        throw new Error(`Cannot describe ${name}: it ${problems.join("; ")}`);
      }
      const { params, timeoutMs } = loadedTask(name, task);
      const { permissions = {} } = task as { permissions?: Deno.PermissionOptionsObject };
      const description = { name, permissions, timeoutMs, hasParamsSchema: params !== undefined };
      return [name, params === undefined ? description : { ...description, paramsChecked: "run" }];
    }),
  );
}
