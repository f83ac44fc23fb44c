// Finds the jobs that nobody takes care of: those whose node died, and waiting ones that no message of
// the queue speaks of. Called by the scheduler, in its passes.

import type { Clock } from "../clock.ts";
import { isWaiting, type Job } from "../jobs/job.ts";
import { getLogger } from "../log/log.ts";
import type { Queue } from "../jobs/queue.ts";
import type { Repository } from "../jobs/repository.ts";

/** What the rescuer works with. */
export interface RescuerOptions {
  readonly repository: Repository;
  readonly queue: Queue;
  readonly clock: Clock;
  /** How long a claim holds, unless it is renewed. */
  readonly leaseMs: number;
  /** A job that lost its holder this often fails. */
  readonly maxCrashes: number;
  /** Whether this node holds the job: then its lease will be renewed. */
  readonly holds: (jobId: string) => boolean;
}

/** The most jobs that one step moves on. */
const maxBatch = 1_000;
/** A job that came to wait less long ago than this may be on its way into the queue. */
const publishGraceMs = 2_000;
/** Nodes that live need no longer than this after an outage to renew their leases and to store what ended. */
const returnGraceMs = 3_000;
/** No shorter wait for the store counts as an outage: a busy one is not away. */
const minOutageMs = 1_000;

const log = getLogger("rescuer");

/** Brings lost jobs back. */
export class Rescuer {
  readonly #options: RescuerOptions;
  /** How far the search for lost messages has come; undefined: it begins anew. */
  #afterId: string | undefined;
  /** The time of the first search. */
  #startedAtMs: number | undefined;
  /** Until then an expired lease may be one of a node that lives. */
  #sparesUntilMs = -Infinity;

  constructor(options: RescuerOptions) {
    this.#options = options;
  }

  /** The store cannot be reached: when it is back, the leases that ran out meanwhile tell nothing of their nodes. */
  noteOutage(): void {
    const { repository, clock } = this.#options;
    if (repository.isShared) this.#sparesUntilMs = clock.now() + returnGraceMs;
  }

  /**
   * Releases some abandoned jobs, or fails them after their last crash. Returns those that wait again; none
   * where the pass that began at `nowMs`, or an earlier one, has just met an outage.
   */
  async releaseAbandoned(nowMs: number): Promise<Job[]> {
    const { repository, clock, leaseMs, maxCrashes, holds } = this.#options;
    const { jobs } = await repository.find({ state: "abandoned", nowMs, limit: maxBatch });
    // In a shorter wait no lease runs out, because they are renewed every second.
    if (clock.now() - nowMs > Math.max(minOutageMs, leaseMs / 3)) this.noteOutage();
    if (clock.now() < this.#sparesUntilMs) return [];
    const abandoned = jobs.filter(({ id }) => !holds(id));
    if (abandoned.length === 0) return [];
    const rescued = await repository.change(
      abandoned.map((held) => ({ kind: "rescue", held, maxCrashes })),
      nowMs,
    );
    // A null was rescued by another node, or its holder is back.
    const released = rescued.filter((job) => job !== null);
    for (const job of released) {
      const { id: job_id, taskName: task, attempt, crashes } = job;
      const fields = { job_id, task, attempt, crashes };
      if (isWaiting(job)) log.warn("the node of a job died: the job runs again", fields);
      else log.error("job failed", { ...fields, outcome: "failed", reason: job.failureReason });
    }
    return released.filter(isWaiting);
  }

  /**
   * The next waiting jobs that need a message, in their order: as many as there are more waiting jobs than
   * messages, and at most `limit`. Messages that a consumer has in its hands are not counted, so some of
   * these may come twice; but no more messages than jobs are ever asked for, however long the queue is.
   */
  async findUnpublished(nowMs: number, limit: number): Promise<readonly Job[]> {
    const { repository, queue } = this.#options;
    this.#startedAtMs ??= nowMs;
    for (let page = 0;;) {
      const [{ waiting }, depth] = await Promise.all([repository.count(), queue.depth()]);
      const wanted = Math.min(waiting - depth, limit, maxBatch);
      if (wanted <= 0) return [];
      // More and more at a time, because many may be on their way.
      page = Math.min(maxBatch, Math.max(wanted, page * 4));
      const { jobs } = await repository.find({
        state: "waiting",
        nowMs,
        limit: page,
        afterId: this.#afterId,
      });
      // What another process had on its way when this one started is its own affair no longer.
      const sinceMs = Math.max(this.#startedAtMs, nowMs - publishGraceMs);
      // A time in the future is of a clock that was set back since.
      const isRecent = (ms: number) => ms >= sinceMs && ms <= nowMs + publishGraceMs;
      const lost = jobs.filter((job) => !isRecent(job.scheduledAtMs ?? job.createdAtMs));
      const unpublished = lost.slice(0, wanted);
      const last = lost.length > wanted ? unpublished.at(-1) : jobs.at(-1);
      // Behind a job that has just been stored there are only younger ones.
      this.#afterId = last === undefined || isRecent(last.createdAtMs) ? undefined : last.id;
      if (unpublished.length > 0 || this.#afterId === undefined) return unpublished;
    }
  }
}
