// Which runs may share a worker, and the runs that wait for one. Used by the pool.

import type { TaskDescription } from "../../tasks/description.ts";
import { permissionsKey } from "../../tasks/permissions.ts";
import type { Run } from "./slot.ts";

/** Where a worker lives: a thread of this process, or a child process. */
export type Isolation = "worker" | "process";

/** Runs that the same workers may serve: those of tasks with the same permissions and isolation. */
export interface RunGroup {
  readonly key: string;
  readonly isolation: Isolation;
  readonly permissions: Deno.PermissionOptionsObject;
  /** Every task that has these permissions: what a worker of the group loads. */
  readonly taskNames: readonly string[];
  /** Runs that wait for a worker, first in, first out, each with its place in the order of all. */
  readonly waiting: { readonly order: number; readonly run: Run }[];
  /** Workers of the group that failed one after the other with no run ended in between. */
  failures: number;
  /** No worker of the group is opened before this time. */
  retryAtMs: number;
}

/** All groups, made when a first run of theirs comes. */
export class RunGroups {
  readonly #groups = new Map<string, RunGroup>();
  /** The same groups by task, so that a run costs one look-up. */
  readonly #ofTask = {
    worker: new WeakMap<TaskDescription, RunGroup>(),
    process: new WeakMap<TaskDescription, RunGroup>(),
  };
  readonly #tasks: ReadonlyMap<string, TaskDescription>;
  #order = 0;
  #front = 0;

  constructor(tasks: ReadonlyMap<string, TaskDescription> = new Map()) {
    this.#tasks = tasks;
  }

  /** The group of a task. */
  groupOf(task: TaskDescription, isolation: Isolation): RunGroup {
    const known = this.#ofTask[isolation].get(task);
    if (known !== undefined) return known;
    const { permissions } = task;
    const key = `${isolation} ${permissionsKey(permissions)}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const taskNames = this.#namesWith(permissions);
      group = { key, isolation, permissions, taskNames, waiting: [], failures: 0, retryAtMs: 0 };
      this.#groups.set(key, group);
    }
    this.#ofTask[isolation].set(task, group);
    return group;
  }

  /** The group of tasks without permissions. */
  plainGroup(isolation: Isolation): RunGroup {
    return this.groupOf(plainTask, isolation);
  }

  #namesWith(permissions: Deno.PermissionOptionsObject): string[] {
    const key = permissionsKey(permissions);
    return [...this.#tasks.values()].filter((task) => permissionsKey(task.permissions) === key)
      .map(({ name }) => name);
  }

  /** The group of that key; the key comes from a group. */
  get(key: string): RunGroup {
    return this.#groups.get(key) as RunGroup;
  }

  /** Adds a run at the end. */
  push(group: RunGroup, run: Run): void {
    group.waiting.push({ order: ++this.#order, run });
  }

  /** Puts runs that come back before all others, in their order. */
  putBack(group: RunGroup, runs: readonly Run[]): void {
    this.#front -= runs.length;
    group.waiting.unshift(...runs.map((run, index) => ({ order: this.#front + index, run })));
  }

  /** The groups with waiting runs, the one that waits longest first. */
  waitingGroups(): RunGroup[] {
    const groups: RunGroup[] = [];
    for (const group of this.#groups.values()) if (group.waiting.length > 0) groups.push(group);
    return groups.length < 2
      ? groups
      : groups.sort((one, other) => oldestOrder(one) - oldestOrder(other));
  }

  /** How many runs wait, in all groups. */
  get waitingCount(): number {
    let count = 0;
    for (const group of this.#groups.values()) count += group.waiting.length;
    return count;
  }

  /** Takes out all waiting runs for which `isWanted` holds. */
  remove(isWanted: (run: Run) => boolean): Run[] {
    const removed: Run[] = [];
    for (const { waiting } of this.#groups.values()) {
      for (let index = waiting.length - 1; index >= 0; index--) {
        const run = waiting[index]?.run;
        if (run !== undefined && isWanted(run)) {
          waiting.splice(index, 1);
          removed.unshift(run);
        }
      }
    }
    return removed;
  }
}

const plainTask = { name: "", timeoutMs: 0, permissions: {}, hasParamsSchema: false };

/** The place of the run that waits longest in the group; Infinity: none waits. */
export function oldestOrder(group: RunGroup): number {
  return group.waiting[0]?.order ?? Infinity;
}
