// Runs a task as a worker does: the params are checked first, and the result must be JSON.

import assert from "node:assert/strict";
import { loadedTask, problemsOfTask } from "../../src/tasks/loaded_task.ts";
import type { Task } from "../../src/tasks/task.ts";
import { type ContextSetup, makeTaskContext } from "./make_task_context.ts";

/**
 * What a job of the task would store.
 *
 * @param setup default: private addresses are allowed, since the servers of tests listen on the loopback.
 * @throws what the task throws; an Error that lists the issues where the params do not fit.
 */
export async function runTask(
  task: Task,
  params: Record<string, unknown>,
  { signal, ...setup }: ContextSetup & { readonly signal?: AbortSignal } = {},
  // deno-lint-ignore no-explicit-any -- results are looked into freely
): Promise<any> {
  assert.deepEqual(problemsOfTask(task), []);
  const loaded = loadedTask("task", task);
  const validated = await loaded.params?.["~standard"].validate(params) ?? { value: params };
  if (validated.issues !== undefined) {
    const issues = validated.issues.map(({ message, path }) => {
      const keys = path?.map((segment) => typeof segment === "object" ? segment.key : segment);
      return `${keys?.join(".") ?? ""}: ${message}`;
    });
    throw new Error(`invalid params: ${issues.join("; ")}`);
  }
  const context = makeTaskContext(signal, { settings: { allow_private: true }, ...setup });
  const result = await loaded.run(validated.value, context);
  return JSON.parse(JSON.stringify(result));
}
