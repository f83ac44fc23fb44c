// Which groups cannot have a worker now, why, and when they are tried again. Used by the pool.

import { getLogger } from "../../log/log.ts";
import type { Isolation, RunGroup } from "./run_groups.ts";

/** A worker that cannot start is tried again after this time, twice as long each time, up to the maximum. */
const minRetryMs = 100;
const maxRetryMs = 5_000;
/** So many failures in a row fail the waiting runs, or let them wait where a task cannot be loaded. */
const maxFailures = 3;
/** How often a set whose task cannot be loaded is tried then. */
const reloadMs = 60_000;

const log = getLogger("executor");

interface Failure {
  count: number;
  retryAtMs: number;
  /** The tasks that could not be loaded the last time; undefined: something else keeps workers from starting. */
  unloaded: readonly string[] | undefined;
  isUnloadable: boolean;
  /** A module did not load in time: if it spins, nothing can stop its thread. */
  hasHung: boolean;
}

/** What follows from a failure: nothing yet, the waiting runs fail, or they wait until the task can be loaded. */
export type FailureVerdict = "retry" | "fail" | "wait";

/** The failures of each group since it last worked. */
export class StartFailures {
  readonly #failures = new Map<RunGroup, Failure>();

  /** Notes that a worker of the group could not start; `unloaded`: because these tasks cannot be loaded. */
  note(
    group: RunGroup,
    reason: string,
    unloaded: readonly string[] | undefined,
    hasHung: boolean,
    nowMs: number,
  ): FailureVerdict {
    const failure = this.#failures.get(group) ??
      { count: 0, retryAtMs: -Infinity, unloaded, isUnloadable: false, hasHung };
    this.#failures.set(group, failure);
    const wasUnloadable = failure.isUnloadable;
    // Workers that were started side by side are one try.
    if (nowMs >= failure.retryAtMs) failure.count += 1;
    failure.unloaded = unloaded;
    failure.hasHung ||= hasHung;
    const isLast = failure.count >= maxFailures;
    failure.isUnloadable = isLast && unloaded !== undefined;
    const retryMs = failure.isUnloadable
      ? reloadMs
      : Math.min(maxRetryMs, minRetryMs * 2 ** (failure.count - 1));
    failure.retryAtMs = nowMs + retryMs;
    if (!failure.isUnloadable) {
      log.error("cannot start a worker", { reason, retry_ms: retryMs });
      return isLast ? "fail" : "retry";
    }
    if (!wasUnloadable) {
      log.error(
        "a task cannot be loaded: its jobs, and those of tasks with the same permissions, wait until it can",
        {
          task: unloaded?.join(", "),
          reason,
          tasks: group.taskNames.join(", "),
          retry_ms: retryMs,
        },
      );
    }
    return "wait";
  }

  /** A worker of the group has loaded its tasks. */
  noteLoaded(group: RunGroup): void {
    const failure = this.#failures.get(group);
    if (failure?.unloaded === undefined) return;
    this.#failures.delete(group);
    if (!failure.isUnloadable) return;
    log.info("the task can be loaded again: its jobs run", { task: failure.unloaded.join(", ") });
  }

  /** A run of the group has ended: its workers work. */
  clear(group: RunGroup): void {
    this.#failures.delete(group);
  }

  /** When a worker of the group may be started next; in the past: now. */
  retryAtMs(group: RunGroup): number {
    return this.#failures.get(group)?.retryAtMs ?? -Infinity;
  }

  /** Whether a worker of the group could not start the last time, for whatever reason. */
  has(group: RunGroup): boolean {
    return this.#failures.has(group);
  }

  /** Whether that was because its tasks could not be loaded. */
  isUnloaded(group: RunGroup): boolean {
    return this.#failures.get(group)?.unloaded !== undefined;
  }

  /** Where the next worker of the group is to live: a process can always be ended. */
  isolationOf(group: RunGroup): Isolation {
    return this.#failures.get(group)?.hasHung ? "process" : group.isolation;
  }

  /** The groups whose tasks could not be loaded the last time, so that it is to be tried again. */
  unloadedGroups(): RunGroup[] {
    const failures = [...this.#failures].filter(([, { unloaded }]) => unloaded !== undefined);
    return failures.map(([group]) => group);
  }

  /** The tasks because of which jobs wait. */
  unloadableTasks(): string[] {
    const failures = [...this.#failures.values()].filter(({ isUnloadable }) => isUnloadable);
    return [...new Set(failures.flatMap(({ unloaded = [] }) => unloaded))];
  }
}
