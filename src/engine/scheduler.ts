// Publishes jobs when their time has come, and those that the rescuer found. `tick` is one pass over the
// repository; the rest of the file decides when the next pass is.

import type { Clock } from "../clock.ts";
import { errorMessage, isQueueFull, isUnavailable } from "../errors.ts";
import type { Job } from "../jobs/job.ts";
import { getLogger } from "../log/log.ts";
import type { Queue } from "../jobs/queue.ts";
import type { Repository } from "../jobs/repository.ts";
import { publishWaiting } from "./publish.ts";
import { Rescuer } from "./rescuer.ts";

/** What the scheduler works with. */
export interface SchedulerOptions {
  readonly repository: Repository;
  readonly queue: Queue;
  readonly clock: Clock;
  /** The longest time between two passes: finds jobs that other nodes have stored. */
  readonly pollingIntervalMs: number;
  /** How long a claim holds, unless it is renewed. */
  readonly leaseMs: number;
  /** A job that lost its holder this often fails. */
  readonly maxCrashes: number;
  /** Whether this node holds the job. */
  readonly holds: (jobId: string) => boolean;
}

/** The most jobs that one step of a pass moves on. */
const maxBatch = 1_000;
/** After an error: try again this soon. */
const retryMs = 500;
/** The longest time between two passes where a job may be without its node or its message. */
const rescueIntervalMs = 1_000;

const log = getLogger("scheduler");

/** Moves scheduled jobs to the queue. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #nextRunAtMs: number | null = null;
  #wake = new AbortController();
  /** Jobs that wait and found no room in the queue: published before any other. */
  #unpublished: Job[] = [];
  /** How many of them are published at once: less after each time that the queue did not take all. */
  #batch = maxBatch;
  readonly #rescuer: Rescuer;
  readonly #intervalMs: number;
  /** Of the last search for lost jobs that found all. */
  #rescuedAtMs = -Infinity;
  /** There is more to publish than the queue had room for. */
  #waitsForRoom = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#rescuer = new Rescuer(options);
    const outlivesNode = options.repository.isDurable || options.queue.isShared;
    this.#intervalMs = Math.min(
      outlivesNode ? rescueIntervalMs : Infinity,
      options.pollingIntervalMs,
    );
  }

  /** The time of the earliest job that waits for its time, as far as this node knows; null: none. */
  get nextRunAtMs(): number | null {
    return this.#nextRunAtMs;
  }

  /** Starts the passes. */
  start(): void {
    this.#loop = this.#run();
  }

  /** Ends after the step under way: what is left of the pass is another node's, or the next start's. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.abort();
    await this.#loop;
  }

  /** Tells that a job for this time was stored: the next pass is then, if that is sooner. */
  wakeAt(runAtMs: number): void {
    if (this.#nextRunAtMs !== null && this.#nextRunAtMs <= runAtMs) return;
    this.#nextRunAtMs = runAtMs;
    this.#wake.abort();
  }

  /**
   * One pass: publishes what was rescued, then makes every job whose time has come SCHEDULED and publishes
   * it, as many as the queue has room for, the earliest first. Returns the time of the earliest job that is
   * left, null if there is none.
   */
  async tick(nowMs: number): Promise<number | null> {
    const { repository, queue } = this.#options;
    this.#waitsForRoom = false;
    // The distance, so that a clock that is set back does not put it off.
    if (Math.abs(nowMs - this.#rescuedAtMs) >= this.#intervalMs) await this.#rescue(nowMs);
    while (!this.#stopping.signal.aborted) {
      await this.#publish([]);
      const limit = Math.min(maxBatch, queue.room());
      const due = await repository.find({ state: "due", nowMs, limit: Math.max(1, limit) });
      const [first] = due.jobs;
      if (first === undefined) return due.nextRunAtMs;
      if (limit === 0) {
        this.#waitsForRoom = true;
        return first.runAtMs ?? nowMs;
      }
      const scheduled = await repository.change(
        due.jobs.map(({ id }) => ({ kind: "schedule", id })),
        nowMs,
      );
      // A null was deleted, or another node was first.
      await this.#publish(scheduled.filter((job) => job !== null));
      log.debug("scheduled jobs", { count: due.jobs.length });
    }
    return null;
  }

  async #rescue(nowMs: number): Promise<void> {
    const { queue } = this.#options;
    await this.#publish([]);
    while (this.#unpublished.length === 0 && !this.#stopping.signal.aborted) {
      const room = queue.room();
      // The search is not over: it goes on as soon as there is some.
      this.#waitsForRoom ||= room === 0;
      if (room === 0) break;
      const unpublished = await this.#rescuer.findUnpublished(nowMs, room);
      if (unpublished.length === 0) break;
      await this.#publish(unpublished);
    }
    // Not before the search: it would take these for the ones without a message, and find too few others.
    while (this.#unpublished.length === 0 && !this.#stopping.signal.aborted) {
      const released = await this.#rescuer.releaseAbandoned(nowMs);
      if (released.length === 0) break;
      await this.#publish(released);
    }
    if (!this.#waitsForRoom) this.#rescuedAtMs = nowMs;
  }

  /** Publishes what waits and then these; keeps what the queue has no room for. */
  async #publish(jobs: readonly Job[]): Promise<void> {
    const { queue } = this.#options;
    this.#unpublished.push(...jobs);
    while (this.#unpublished.length > 0 && queue.room() > 0) {
      const batch = this.#unpublished.slice(0, Math.min(this.#batch, queue.room()));
      try {
        await publishWaiting(batch, this.#options);
      } catch (thrown) {
        if (!isQueueFull(thrown)) throw thrown;
        // New jobs took the room in the meantime, or a broker, which does not tell its room, took a part: in
        // ever the same batch that would be ever the same part.
        this.#batch = Math.max(1, batch.length >> 1);
        continue;
      }
      this.#unpublished = this.#unpublished.slice(batch.length);
      this.#batch = Math.min(maxBatch, this.#batch * 2);
    }
    this.#waitsForRoom ||= this.#unpublished.length > 0;
  }

  async #run(): Promise<void> {
    const { queue, clock } = this.#options;
    while (!this.#stopping.signal.aborted) {
      // Made before the pass: a job that is stored during it, and that it may miss, causes another one.
      const wake = this.#wake = new AbortController();
      this.#nextRunAtMs = null;
      let nextPassAtMs = clock.now() + this.#intervalMs;
      try {
        this.#nextRunAtMs = earliest(await this.tick(clock.now()), this.#nextRunAtMs);
        if (this.#waitsForRoom) queue.onRoom(() => wake.abort());
        else nextPassAtMs = Math.min(nextPassAtMs, this.#nextRunAtMs ?? Infinity);
      } catch (thrown) {
        // An outage is told by the driver, once. What it may have cost is looked for as soon as it is over.
        if (isUnavailable(thrown)) this.#rescuer.noteOutage();
        else log.error("cannot schedule jobs", { reason: errorMessage(thrown) });
        this.#rescuedAtMs = -Infinity;
        nextPassAtMs = clock.now() + retryMs;
      }
      if (!this.#stopping.signal.aborted) {
        // No longer than an interval, also if the clock was set back during the pass.
        const sleepMs = Math.min(nextPassAtMs - clock.now(), this.#intervalMs);
        await clock.sleep(sleepMs, wake.signal);
      }
    }
  }
}

function earliest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
