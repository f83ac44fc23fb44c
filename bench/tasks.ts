// The tasks of the bench beside the shipped no-op.

import type { TaskContext, TaskTable } from "../src/tasks/task.ts";
import dummytask from "../tasks/shipped/dummytask.ts";

/** How many of the tasks `mix_0`, `mix_1`, ... there are, each with permissions that no other task has. */
const mixCount = 12;

const mix = Array.from({ length: mixCount }, (_, set) => {
  const permissions = { env: [`VALET_BENCH_MIX_${set}`] };
  return [`mix_${set}`, { permissions, run: wait }] as const;
});

/** The tasks of bench_server.ts. */
export const tasks: TaskTable = { dummytask, gate, clock, spin, ...Object.fromEntries(mix) };

/** Waits, or, without `ms`, returns at once. */
function wait({ ms }: { readonly ms?: number }): Promise<void> | undefined {
  return ms === undefined ? undefined : new Promise((resolve) => setTimeout(resolve, ms));
}

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
