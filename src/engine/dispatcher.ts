// Moves jobs from the queue to the workers and their outcomes to the repository, always in the order
// that loses nothing: claim, run, store the outcome, ack. Bounded by what the pool has room for.

import { type Clock, endsWithin, nextTurn, steadyNow } from "../clock.ts";
import { errorMessage, isRefusal, isUnavailable } from "../errors.ts";
import type { Pool } from "../executor/host/pool.ts";
import type { PoolOptions, RunEnd } from "../executor/host/pool_options.ts";
import type { Run } from "../executor/host/run.ts";
import type { Job } from "../jobs/job.ts";
import type { Change } from "../jobs/job_change.ts";
import type { JobOrigins } from "../jobs/origins.ts";
import { logFinished } from "./end_log.ts";
import { type StoredEnd, storeEnds } from "./end_store.ts";
import { HeldJobs } from "./held_jobs.ts";
import { publishWaiting } from "./publish.ts";
import { SetAside } from "./set_aside.ts";
import { getLogger } from "../log/log.ts";
import type { Delivery, Queue } from "../jobs/queue.ts";
import type { Repository } from "../jobs/repository.ts";
import { defaultTimeoutMs, type TaskDescription } from "../tasks/description.ts";

/** What the dispatcher works with. */
export interface DispatcherOptions {
  readonly repository: Repository;
  readonly queue: Queue;
  readonly tasks: ReadonlyMap<string, TaskDescription>;
  /** The time of the repository. */
  readonly clock: Clock;
  /** Which request made a job, for the log. */
  readonly origins: JobOrigins;
  /** How long a claim holds in a repository that nodes share, unless it is renewed. */
  readonly leaseMs: number;
  /** A job that lost its holder this often fails. */
  readonly maxCrashes: number;
  /** Makes the pool, which tells the dispatcher how runs end. */
  readonly createPool: (events: Pick<PoolOptions, "onEnds" | "onLoadable">) => Pool;
}

/** A run, and the delivery to ack when its outcome is stored. */
interface DispatchedRun extends Run {
  readonly delivery: Delivery;
}

/** Between tries after an error of the store or the queue: doubles up to the maximum. */
const minRetryMs = 50;
const maxRetryMs = 500;

/** When the node stops: for a claim under way, and for stores that are given up to say so. */
const maxClaimMs = 1_000;
const lastWordMs = 100;

const log = getLogger("dispatcher");

/** Takes jobs from the queue and sees each to its end. */
export class Dispatcher {
  readonly pool: Pool;
  readonly #options: DispatcherOptions;
  readonly #stopping = new AbortController();
  /** Ends the renewals, once the pool is at rest. */
  readonly #resting = new AbortController();
  /** Ends the stores under way when the node gives up on a store that is gone. */
  readonly #givingUp = new AbortController();
  readonly #storing = new Set<Promise<void>>();
  readonly #held: HeldJobs;
  /**
   * Jobs whose next crash would be the last wait here until no other such job is held: so that the one that
   * kills its node is not the end of the others.
   */
  readonly #suspects: SetAside;
  /** Jobs of tasks that cannot be loaded wait here until they can. */
  readonly #unloadable: SetAside;
  #taking: Promise<void> | undefined;
  #renewing: Promise<void> | undefined;
  #onRoom: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#held = new HeldJobs({
      ...options,
      onLost: ({ id }) =>
        this.pool.abort(id, "the job was deleted, or this node lost its lease on it"),
    });
    this.#suspects = new SetAside(options);
    this.#unloadable = new SetAside(options);
    this.pool = options.createPool({
      onEnds: (ends) => this.#takeEnds(ends),
      onLoadable: () => void this.#putBack(this.#unloadable),
    });
  }

  /** Begins to take jobs. */
  start(): void {
    this.#taking = this.#takeJobs();
    if (this.#options.repository.isShared) {
      this.#renewing = this.#held.renewUntil(this.#resting.signal);
    }
  }

  /** Whether this node holds the job. */
  holds(jobId: string): boolean {
    return this.#held.has(jobId);
  }

  /** Aborts the run of a deleted job, if this node runs it. */
  abort(job: Job): void {
    this.pool.abort(job.id, "the job was deleted");
  }

  /**
   * Takes no more jobs, gives the running ones `graceMs` to finish, gives the others back. A store that does
   * not answer holds it up for no longer than that once more.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#onRoom?.();
    await endsWithin(this.#taking, Math.min(graceMs, maxClaimMs));
    await Promise.all([this.#putBack(this.#suspects), this.#putBack(this.#unloadable)]);
    await this.pool.stop(graceMs);
    this.#resting.abort();
    await endsWithin(Promise.all([this.#renewing, ...this.#storing]), graceMs);
    this.#givingUp.abort();
    await endsWithin(Promise.all(this.#storing), lastWordMs);
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
        await this.#callSuspects();
        const deliveries = await queue.take(room, signal);
        if (deliveries.length > 0) await this.#dispatch(deliveries);
        // What else is published in this turn of the event loop is then taken in one go.
        await nextTurn();
        retryMs = minRetryMs;
      } catch (thrown) {
        // An outage is told by the driver, once.
        if (!isUnavailable(thrown)) {
          log.error("cannot take jobs, trying again", { reason: errorMessage(thrown) });
        }
        await clock.sleep(retryMs, signal);
        retryMs = Math.min(maxRetryMs, retryMs * 2);
      }
    }
  }

  async #dispatch(deliveries: readonly Delivery[]): Promise<void> {
    const { queue } = this.#options;
    let wanted = deliveries;
    let claimed: readonly (Job | null)[];
    try {
      await this.#adopt(deliveries);
      wanted = await this.#withoutSetAside(deliveries);
      if (wanted.length === 0) return;
      claimed = await this.#claim(wanted);
    } catch (thrown) {
      await queue.nack(wanted);
      throw thrown;
    }
    const runs: DispatchedRun[] = [];
    const done: Delivery[] = [];
    for (const [index, delivery] of wanted.entries()) {
      const job = claimed[index] ?? null;
      if (job !== null) this.#addRun(runs, job, delivery);
      // What was not claimed was deleted, is finished, or another node was first: the message has done its work.
      if (job === null || this.#acksClaims) done.push(delivery);
    }
    // The runs are claimed: they must not depend on what the queue answers now.
    if (runs.length > 0) this.pool.submit(runs);
    if (done.length > 0) await queue.ack(done);
  }

  /**
   * A broker keeps a message unacknowledged only for a limited time. Where the claim outlives this process
   * it protects the job from then on; else the message does, until the outcome is stored.
   */
  get #acksClaims(): boolean {
    return this.#options.queue.isShared && this.#options.repository.isDurable;
  }

  /** Sets aside what this node cannot run now: the others, in their order. */
  async #withoutSetAside(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    const wanted: Delivery[] = [];
    const suspects: Delivery[] = [];
    const unloadable: Delivery[] = [];
    // At most one job at a time whose next crash would be its last.
    let isFree: boolean | undefined;
    for (const delivery of deliveries) {
      const { job } = delivery;
      const task = this.#options.tasks.get(job.taskName);
      if (task !== undefined && !this.pool.canRun({ job, task })) {
        unloadable.push(delivery);
      } else if (this.#isSuspect(job)) {
        isFree ??= this.#suspects.size === 0 && !this.#holdsSuspect();
        (isFree ? wanted : suspects).push(delivery);
        isFree = false;
      } else wanted.push(delivery);
    }
    if (suspects.length > 0) await this.#tryQueue(() => this.#suspects.add(suspects));
    if (unloadable.length > 0) await this.#tryQueue(() => this.#unloadable.add(unloadable));
    return wanted;
  }

  #isSuspect({ crashes }: Job): boolean {
    return crashes > 0 && crashes + 1 >= this.#options.maxCrashes;
  }

  #holdsSuspect(): boolean {
    return this.#held.some((job) => this.#isSuspect(job));
  }

  /** Where none is held it is the next one's turn. */
  async #callSuspects(): Promise<void> {
    if (this.#suspects.size > 0 && !this.#holdsSuspect()) await this.#putBack(this.#suspects);
  }

  async #putBack(jobs: SetAside): Promise<void> {
    await this.#tryQueue(() => jobs.putBack());
  }

  #claim(deliveries: readonly Delivery[]): Promise<readonly (Job | null)[]> {
    const { repository, clock, leaseMs } = this.#options;
    const claims = deliveries.map(({ job }): Change => ({ kind: "claim", id: job.id, leaseMs }));
    return repository.change(claims, clock.now());
  }

  /** A repository that forgets its jobs gets back those that messages of another process carry. */
  async #adopt(deliveries: readonly Delivery[]): Promise<void> {
    const { repository } = this.#options;
    if (repository.isDurable) return;
    for (const { job, isForeign } of deliveries) {
      // One that is known was adopted before, and what became of it is known, too.
      if (!isForeign || await repository.get(job.id) !== null) continue;
      const fields = { job_id: job.id, task: job.taskName };
      try {
        await repository.insert([job]);
        log.info("adopted a job", fields);
      } catch (thrown) {
        if (!isRefusal(thrown)) throw thrown;
        // Its message would come again and again. The claim finds no job, and ends it.
        log.error("dropped a job that cannot be stored", {
          ...fields,
          reason: errorMessage(thrown),
        });
      }
    }
  }

  #addRun(runs: DispatchedRun[], job: Job, delivery: Delivery): void {
    this.#held.add(job);
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
    const stored = await storeEnds(ends.map((end) => this.#changeOf(end)), {
      ...this.#options,
      signal: this.#givingUp.signal,
    });
    // Also where the store refuses all of it: the job is rescued as one of a dead node, when its lease has expired or,
    // in a store of one process, at the next start.
    for (const { run: { job } } of ends) this.#held.remove(job);
    if (stored === null) {
      for (const end of ends) {
        log.warn("could not store how a job ended: it will run again", fieldsOf(end));
      }
      return;
    }
    this.#logEnds(ends, stored);
    await this.#tryQueue(() => this.#answerQueue(ends, stored));
    await this.#callSuspects();
  }

  #logEnds(ends: readonly RunEnd[], stored: readonly StoredEnd[]): void {
    const { origins } = this.#options;
    const nowMs = Date.now();
    for (const [index, end] of ends.entries()) {
      const { change, job } = stored[index]!;
      if (job === undefined) {
        log.error("the store refuses how a job ended: it will run again", fieldsOf(end));
      } else if (job === null) {
        const abortReason = "outcome" in end ? end.outcome.failureReason : undefined;
        const reason = abortReason ?? "the job was deleted, or this node lost its lease on it";
        log.info("an aborted job ended, its outcome is dropped", { reason, ...fieldsOf(end) });
      } else if (change.kind === "finish") {
        logFinished(nowMs, end.run.job, change.outcome, origins.take(job.id));
      } else {
        // One that had not started went back because others could run it sooner: that is no event.
        const write = "wasStarted" in end && end.wasStarted ? log.info : log.debug;
        write("gave a job back", fieldsOf(end));
      }
    }
  }

  /** A message that was not acked comes again, and one that is missing is found: the repository knows. */
  async #tryQueue(answer: () => Promise<void>): Promise<void> {
    try {
      await answer();
    } catch (thrown) {
      if (isUnavailable(thrown)) return;
      log.error("cannot answer the queue", { reason: errorMessage(thrown) });
    }
  }

  async #answerQueue(ends: readonly RunEnd[], stored: readonly StoredEnd[]): Promise<void> {
    const { queue } = this.#options;
    const done: Delivery[] = [];
    const returned: Delivery[] = [];
    const waiting: Job[] = [];
    for (const [index, end] of ends.entries()) {
      const { delivery } = end.run as DispatchedRun;
      const job = stored[index]!.job ?? null;
      if ("outcome" in end || job === null) done.push(delivery);
      else if (this.#acksClaims) waiting.push(job);
      else returned.push(delivery);
    }
    if (done.length > 0 && !this.#acksClaims) await queue.ack(done);
    if (returned.length > 0) await queue.nack(returned);
    if (waiting.length > 0) await publishWaiting(waiting, this.#options);
  }

  #changeOf(end: RunEnd): Change {
    const held = end.run.job;
    if (!("outcome" in end)) return { kind: "give_back", held, wasStarted: end.wasStarted };
    const { outcome } = end;
    if (!this.#options.repository.isShared) return { kind: "finish", held, outcome };
    // Workers know the time of this machine only. Where this process, or the answer of the store with its time,
    // was held up, the two clocks do not fit; but no task started before its claim.
    const startedAtMs = outcome.startedAtMs + this.#options.clock.now() - steadyNow();
    const claimedAtMs = held.startedAtMs ?? 0;
    return {
      kind: "finish",
      held,
      outcome: { ...outcome, startedAtMs: Math.max(claimedAtMs, Math.round(startedAtMs)) },
    };
  }
}

function fieldsOf(end: RunEnd): Record<string, unknown> {
  const { id, taskName, attempt } = end.run.job;
  const duration = "outcome" in end ? { duration_ms: Math.round(end.outcome.durationMs) } : {};
  return { ...duration, job_id: id, task: taskName, attempt };
}
