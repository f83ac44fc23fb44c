// The tasks of the bench beside the shipped no-op.

import type { TaskContext, TaskTable } from "../src/tasks/task.ts";
import { dummytask } from "../tasks/dummytask.ts";

/** The tasks of bench_server.ts. */
export const tasks: TaskTable = { dummytask, gate, clock, spin };

/** Holds its slot until the job is deleted. */
function gate(_params: unknown, { signal }: TaskContext): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** When it started: epoch milliseconds, with fractions, on the clock of the machine. */
function clock(): number {
  return performance.timeOrigin + performance.now();
}

/** Burns its thread and never yields. */
function spin({ ms }: { readonly ms: number }): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}
