// What the pool is given and what it tells: the types of src/executor/host/pool.ts.

import type { Clock } from "../../clock.ts";
import type { Outcome } from "../../jobs/job.ts";
import type { TaskDescription } from "../../tasks/description.ts";
import type { WorkerSetup } from "../wire/messages.ts";
import type { Isolation } from "./run_groups.ts";
import type { RunnerCommand } from "./runner_process.ts";
import type { Run } from "./run.ts";

/** How a run ended: with an outcome, or given back to be run again. */
export type RunEnd =
  | { readonly run: Run; readonly outcome: Outcome }
  | { readonly run: Run; readonly wasStarted: boolean };

/** What the pool needs. Sizes and times as in `worker_pool` of the configuration. */
export interface PoolOptions {
  readonly tasks: ReadonlyMap<string, TaskDescription>;
  /** How many runs run at once, over all workers. */
  readonly concurrency: number;
  /** How many workers there are at most, beside those that are to replace one which is about to be ended. */
  readonly maxWorkers: number;
  readonly backlog: number;
  readonly jobsPerWorker: number;
  readonly isolation: Isolation;
  readonly maxResultBytes: number;
  /** Name of a task to its settings. */
  readonly taskSettings: WorkerSetup["taskSettings"];
  readonly killGraceMs: number;
  readonly maxMemoryMb: number;
  readonly maxRunaways: number;
  /** The module of a worker: it calls `serveTasks`. */
  readonly workerUrl: URL;
  readonly runnerCommand: RunnerCommand;
  readonly clock: Clock;
  /** Every run that was submitted comes here, once. */
  readonly onEnds: (ends: readonly RunEnd[]) => void;
  /** Tasks can be loaded again for which `canRun` was false. */
  readonly onLoadable: () => void;
  /** More runaway threads than `maxRunaways` burn: the node must be restarted. */
  readonly onExhausted: () => void;
}

/** What the pool is doing, for people. */
export interface PoolStats {
  readonly busy: number;
  readonly idle: number;
  readonly waiting: number;
  /** Workers started since the node started. */
  readonly started: number;
  /** Workers that ended by a crash or had to be ended. */
  readonly lost: number;
  /** Threads that could not be stopped and burn on until the node ends. */
  readonly runaways: number;
  readonly quarantinedTasks: readonly string[];
  /** Tasks whose modules cannot be loaded: their jobs, and those of tasks with the same permissions, wait. */
  readonly unloadableTasks: readonly string[];
}
