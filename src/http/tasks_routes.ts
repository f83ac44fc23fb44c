// The route of the registered tasks.

import { describeTask } from "../task_description.ts";
import type { RegisteredTask } from "../task.ts";
import type { Route } from "./answer.ts";

/** The route `/tasks`. The tasks cannot change while Valet runs, so its answer is made once. */
export function tasksRoutes(tasks: ReadonlyMap<string, RegisteredTask>): readonly Route[] {
  const answer = {
    status: 200,
    json: JSON.stringify({ tasks: [...tasks.values()].map(describeTask) }),
  };
  return [{ method: "GET", path: "/tasks", handle: () => answer }];
}
