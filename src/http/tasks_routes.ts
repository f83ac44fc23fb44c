// The route of the registered tasks.

import { type TaskDescription, taskJson } from "../tasks/description.ts";
import type { Answer, Route } from "./answer.ts";

/** The route `/tasks`. The tasks cannot change while Valet runs, so its answer is made once, when first asked for. */
export function tasksRoutes(tasks: ReadonlyMap<string, TaskDescription>): readonly Route[] {
  let answer: Answer | undefined;
  return [{ method: "GET", path: "/tasks", handle: () => answer ??= listTasks(tasks) }];
}

function listTasks(tasks: ReadonlyMap<string, TaskDescription>): Answer {
  return { status: 200, json: JSON.stringify({ tasks: [...tasks.values()].map(taskJson) }) };
}
