// Makes runs of the fixture tasks, as the dispatcher makes them of claimed jobs; for tests of the executor.

import type { Run } from "../../src/executor/host/run.ts";
import type { Job } from "../../src/jobs/job.ts";
import { tasks as fixtureTasks } from "../fixtures/tasks/mod.ts";
import { describeTable } from "./describe_table.ts";
import { makeJob } from "./make_job.ts";

/** The fixture tasks, described. */
export const describedFixtures = describeTable(fixtureTasks);

/** A run of a job that was just claimed. */
export function makeRun(
  taskName: string,
  params?: unknown,
  options: { readonly timeoutMs?: number; readonly job?: Partial<Job> } = {},
): Run {
  const task = describedFixtures.get(taskName);
  if (task === undefined) throw new Error(`Cannot make a run: no fixture task "${taskName}"`);
  const { timeoutMs = 60_000, job = {} } = options;
  return {
    task,
    timeoutMs,
    job: makeJob({
      taskName,
      paramsJson: params === undefined ? undefined : JSON.stringify(params),
      status: "IN_PROGRESS",
      attempt: 1,
      ...job,
    }),
  };
}

/** So many runs of a task, each with its place, from 0 on, as `params.place`. */
export function makeRuns(taskName: string, count: number): Run[] {
  return Array.from({ length: count }, (_, place) => makeRun(taskName, { place }));
}

/** The descriptions of some fixture tasks. */
export function tasksOf(...names: readonly string[]): typeof describedFixtures {
  return new Map(names.map((name) => [name, makeRun(name).task]));
}
