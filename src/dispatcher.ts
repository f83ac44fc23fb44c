// Moves jobs from the queue to the workers and their outcomes to the repository, always in the order
// that loses nothing: claim, run, store the outcome, ack. Bounded by what the pool has room for.

import type { Clock } from "./clock.ts";
import { errorMessage } from "./errors.ts";
import type { Pool } from "./executor/pool.ts";
import type { PoolOptions, RunEnd } from "./executor/pool_options.ts";
import type { Run } from "./executor/slot.ts";
import type { Change, Job } from "./job.ts";
import { getLogger } from "./log.ts";
import type { Delivery, Queue } from "./queue.ts";
import type { Repository } from "./repository.ts";
import type { RegisteredTask } from "./task.ts";

/** How long a job may run that asks for no timeout and whose task has none: 84,600 s. */
export const defaultTimeoutMs = 84_600_000;

/** What the dispatcher works with. */
export interface DispatcherOptions {
  readonly repository: Repository;
  readonly queue: Queue;
  readonly tasks: ReadonlyMap<string, RegisteredTask>;
  readonly clock: Clock;
  /** Makes the pool, which tells the dispatcher how runs end. */
  readonly createPool: (onEnds: PoolOptions["onEnds"]) => Pool;
}

/** A run, and the delivery to ack when its outcome is stored. */
interface DispatchedRun extends Run {
  readonly delivery: Delivery;
}

/** Between tries after an error of the store or the queue: doubles up to the maximum. */
const minRetryMs = 50;
const maxRetryMs = 5_000;

const log = getLogger("dispatcher");

/** Takes jobs from the queue and sees each to its end. */
export class Dispatcher {
  readonly pool: Pool;
  readonly #options: DispatcherOptions;
  readonly #stopping = new AbortController();
  /** Ends the stores under way when the node gives up on a store that is gone. */
  readonly #givingUp = new AbortController();
  readonly #storing = new Set<Promise<void>>();
  #loop: Promise<void> | undefined;
  #onRoom: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.pool = options.createPool((ends) => this.#takeEnds(ends));
  }

  /** Begins to take jobs. */
  start(): void {
    this.#loop = this.#takeJobs();
  }

  /** Aborts the run of a deleted job, if this node runs it. */
  abort(job: Job): void {
    this.pool.abort(job.id, "the job was deleted");
  }

  /** Takes no more jobs, gives the running ones `graceMs` to finish, gives the others back. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#onRoom?.();
    await this.#loop;
    await this.pool.stop(graceMs);
    const timeUp = setTimeout(() => this.#givingUp.abort(), graceMs);
    await Promise.all(this.#storing);
    clearTimeout(timeUp);
  }

  async #takeJobs(): Promise<void> {
    const { queue, clock } = this.#options;
    const { signal } = this.#stopping;
    let retryMs = minRetryMs;
    while (!signal.aborted) {
      const room = this.pool.room();
      if (room === 0) {
        await new Promise<void>((resolve) => this.#onRoom = resolve);
        continue;
      }
      try {
        const deliveries = await queue.take(room, signal);
        if (deliveries.length > 0) await this.#dispatch(deliveries);
        retryMs = minRetryMs;
      } catch (thrown) {
        log.error("cannot take jobs, trying again", { reason: errorMessage(thrown) });
        await clock.sleep(retryMs, signal);
        retryMs = Math.min(maxRetryMs, retryMs * 2);
      }
    }
  }

  async #dispatch(deliveries: readonly Delivery[]): Promise<void> {
    const { repository, queue, clock } = this.#options;
    const claims = deliveries.map(({ job }): Change => ({ kind: "claim", id: job.id }));
    let claimed: readonly (Job | null)[];
    try {
      claimed = await repository.change(claims, clock.now());
    } catch (thrown) {
      await queue.nack(deliveries);
      throw thrown;
    }
    const runs: DispatchedRun[] = [];
    const lost: Delivery[] = [];
    for (const [index, delivery] of deliveries.entries()) {
      const job = claimed[index];
      // Deleted, finished, or another node was first: the message has done its work.
      if (job === null || job === undefined) lost.push(delivery);
      else this.#addRun(runs, job, delivery);
    }
    // The runs are claimed: they must not depend on what the queue answers now.
    if (runs.length > 0) this.pool.submit(runs);
    if (lost.length > 0) await queue.ack(lost);
  }

  #addRun(runs: DispatchedRun[], job: Job, delivery: Delivery): void {
    const task = this.#options.tasks.get(job.taskName);
    if (task !== undefined) {
      const timeoutMs = job.timeoutMs || task.timeoutMs || defaultTimeoutMs;
      runs.push({ job, task, timeoutMs, delivery });
      return;
    }
    const failureReason = `there is no task "${job.taskName}" in this executable`;
    const startedAtMs = this.#options.clock.now();
    this.#takeEnds([{
      run: { job, delivery } as DispatchedRun,
      outcome: {
        status: "FAILED",
        resultJson: undefined,
        failureReason,
        startedAtMs,
        durationMs: 0,
      },
    }]);
  }

  #takeEnds(ends: readonly RunEnd[]): void {
    const storing = this.#store(ends).finally(() => this.#storing.delete(storing));
    this.#storing.add(storing);
    this.#onRoom?.();
    this.#onRoom = undefined;
  }

  async #store(ends: readonly RunEnd[]): Promise<void> {
    const { queue } = this.#options;
    const changes = ends.map(changeOf);
    const stored = await this.#changeUntilStored(changes);
    if (stored === null) return;
    const done: Delivery[] = [];
    const returned: Delivery[] = [];
    for (const [index, end] of ends.entries()) {
      const { delivery } = end.run as DispatchedRun;
      const isReturned = !("outcome" in end) && stored[index] !== null;
      (isReturned ? returned : done).push(delivery);
    }
    logEnds(ends, stored);
    try {
      if (done.length > 0) await queue.ack(done);
      if (returned.length > 0) await queue.nack(returned);
    } catch (thrown) {
      // A message that was not acked comes again; the repository knows that its job is finished.
      log.error("cannot answer the queue", {
        reason: errorMessage(thrown),
      });
    }
  }

  /** Tries until the store takes the changes; null: the node ended first. */
  async #changeUntilStored(changes: readonly Change[]): Promise<readonly (Job | null)[] | null> {
    const { repository, clock } = this.#options;
    for (let retryMs = minRetryMs;; retryMs = Math.min(maxRetryMs, retryMs * 2)) {
      try {
        return await repository.change(changes, clock.now());
      } catch (thrown) {
        const reason = errorMessage(thrown);
        log.error("cannot store how jobs ended, trying again", { reason });
        await clock.sleep(retryMs, this.#givingUp.signal);
        if (this.#givingUp.signal.aborted) return null;
      }
    }
  }
}

function changeOf(end: RunEnd): Change {
  const { id, attempt } = end.run.job;
  return "outcome" in end
    ? { kind: "finish", id, attempt, outcome: end.outcome }
    : { kind: "give_back", id, attempt, wasStarted: end.wasStarted };
}

function logEnds(ends: readonly RunEnd[], stored: readonly (Job | null)[]): void {
  const isDebug = log.isEnabledFor("debug");
  for (const [index, end] of ends.entries()) {
    if (stored[index] === null) {
      const reason = "outcome" in end ? end.outcome.failureReason : undefined;
      log.info("job ended that is not wanted any more", { reason, ...fieldsOf(end) });
    } else if (!("outcome" in end)) {
      log.info("gave a job back", fieldsOf(end));
    } else if (end.outcome.status === "FAILED") {
      log.warn("job failed", { reason: end.outcome.failureReason, ...fieldsOf(end) });
    } else if (isDebug) {
      log.debug("job completed", fieldsOf(end));
    }
  }
}

function fieldsOf(end: RunEnd): Record<string, unknown> {
  const { id, taskName, attempt } = end.run.job;
  const duration = "outcome" in end ? { duration_ms: Math.round(end.outcome.durationMs) } : {};
  return { ...duration, job_id: id, task: taskName, attempt };
}
