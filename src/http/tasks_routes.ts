// The route of the registered tasks.

import type { ParamsCheck } from "../jobs/params_check.ts";
import { type TaskDescription, taskJson } from "../tasks/description.ts";
import type { Route } from "./answer.ts";

/** The route `/tasks`. */
export function tasksRoutes(
  tasks: ReadonlyMap<string, TaskDescription>,
  paramsCheck: ParamsCheck,
): readonly Route[] {
  /** Of a task, only when its params are checked can change. */
  const listTasks = () =>
    [...tasks.values()].map((task) => ({
      ...taskJson(task),
      params_checked: paramsCheck.checkedAt(task),
    }));
  const handle = () => ({ status: 200, json: JSON.stringify({ tasks: listTasks() }) });
  return [{ method: "GET", path: "/tasks", handle }];
}
