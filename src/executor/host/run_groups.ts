// Which runs may share a worker, and the runs that wait for one. Used by the pool.

import type { TaskDescription } from "../../tasks/description.ts";
import { permissionsKey } from "../../tasks/permissions.ts";
import type { PooledRun, Run } from "./run.ts";

/** Where a worker lives: a thread of this process, or a child process. */
export type Isolation = "worker" | "process";

/** Runs that the same workers may serve: those of tasks with the same permissions and isolation. */
export interface RunGroup {
  readonly key: string;
  readonly isolation: Isolation;
  readonly permissions: Deno.PermissionOptionsObject;
  /** Every task that has these permissions: what a worker of the group loads. */
  readonly taskNames: readonly string[];
  /** Runs that wait for a worker, first in, first out. */
  readonly waiting: PooledRun[];
}

/** All groups: those of the tasks from the start, others when a first run of theirs comes. */
export class RunGroups {
  readonly #tasks: ReadonlyMap<string, TaskDescription>;
  readonly #groups = new Map<string, RunGroup>();
  /** The same groups by task, so that a run costs one look-up. */
  readonly #ofTask = {
    worker: new WeakMap<TaskDescription, RunGroup>(),
    process: new WeakMap<TaskDescription, RunGroup>(),
  };
  #lastPlace = 0;

  constructor(tasks: ReadonlyMap<string, TaskDescription>, isolation: Isolation) {
    this.#tasks = tasks;
    for (const task of tasks.values()) this.groupOf(task, isolation);
  }

  /** All of them, in the order of the tasks. */
  all(): RunGroup[] {
    return [...this.#groups.values()];
  }

  /** The group of a task. */
  groupOf(task: TaskDescription, isolation: Isolation): RunGroup {
    const known = this.#ofTask[isolation].get(task);
    if (known !== undefined) return known;
    const { permissions } = task;
    const key = `${isolation} ${permissionsKey(permissions)}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { key, isolation, permissions, taskNames: this.#namesWith(permissions), waiting: [] };
      this.#groups.set(key, group);
    }
    this.#ofTask[isolation].set(task, group);
    return group;
  }

  /** Adds a run at the end. */
  push(group: RunGroup, run: Run, nowMs: number): void {
    group.waiting.push({ run, place: ++this.#lastPlace, sinceMs: nowMs });
  }

  /** Adds runs that were handed out or waited elsewhere, in their old places. */
  putBack(group: RunGroup, runs: readonly PooledRun[]): void {
    if (runs.length === 0) return;
    group.waiting.unshift(...runs);
    group.waiting.sort((one, other) => one.place - other.place);
  }

  /** The groups with waiting runs, the one with the oldest run first. */
  waitingGroups(): RunGroup[] {
    const groups: RunGroup[] = [];
    for (const group of this.#groups.values()) if (group.waiting.length > 0) groups.push(group);
    return groups.length < 2
      ? groups
      : groups.sort((one, other) => one.waiting[0]!.place - other.waiting[0]!.place);
  }

  /** How many runs wait, in all groups. */
  get waitingCount(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.waiting.length;
    return count;
  }

  /** Takes out all waiting runs for which `isWanted` holds, in the order of their places. */
  remove(isWanted: (pooled: PooledRun, group: RunGroup) => boolean): PooledRun[] {
    const removed: PooledRun[] = [];
    for (const group of this.#groups.values()) {
      if (!group.waiting.some((pooled) => isWanted(pooled, group))) continue;
      for (const pooled of group.waiting.splice(0)) {
        (isWanted(pooled, group) ? removed : group.waiting).push(pooled);
      }
    }
    return removed.sort((one, other) => one.place - other.place);
  }

  #namesWith(permissions: Deno.PermissionOptionsObject): string[] {
    const key = permissionsKey(permissions);
    return [...this.#tasks.values()].filter((task) => permissionsKey(task.permissions) === key)
      .map(({ name }) => name);
  }
}
