// Runs a shipped task as a worker does, with servers of the test in its reach.

import { runTask as run, type RunTaskOptions } from "../../src/testing/run_task.ts";
import type { Task } from "../../src/tasks/task.ts";

/** The same as runTask of the package, but private addresses are allowed: the servers of tests listen on the loopback. */
export function runTask(
  task: Task,
  params: Record<string, unknown>,
  options: RunTaskOptions = {},
  // deno-lint-ignore no-explicit-any -- results are looked into freely
): Promise<any> {
  return run(task, params, { settings: { allow_private: true }, ...options });
}
