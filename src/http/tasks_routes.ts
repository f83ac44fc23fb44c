// The route of the registered tasks.

import { describeTask } from "../tasks/description.ts";
import type { RegisteredTask } from "../tasks/task.ts";
import type { Answer, Route } from "./answer.ts";

/** The route `/tasks`. The tasks cannot change while Valet runs, so its answer is made once, when first asked for. */
export function tasksRoutes(tasks: ReadonlyMap<string, RegisteredTask>): readonly Route[] {
  let answer: Promise<Answer> | undefined;
  return [{ method: "GET", path: "/tasks", handle: () => answer ??= describeTasks(tasks) }];
}

async function describeTasks(tasks: ReadonlyMap<string, RegisteredTask>): Promise<Answer> {
  const list = await Promise.all([...tasks.values()].map(describeTask));
  return { status: 200, json: JSON.stringify({ tasks: list }) };
}
