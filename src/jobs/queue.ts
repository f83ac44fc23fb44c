// The queue port: how waiting jobs reach a dispatcher. A message is a hint, never the truth: losing
// or repeating one does no harm, because the repository decides who runs a job.
// Implemented by drivers/queues/*, called by the services in src/.

import { ValetError } from "../errors.ts";
import type { Job } from "./job.ts";
import type { Health } from "./repository.ts";

/** A message in the hands of a consumer, until it is acked or nacked. */
export interface Delivery {
  /** The job as it was when it was published; without its large texts where a repository holds them anyway. */
  readonly job: Job;
  /** Whether another process published it: an earlier one of this node, or another node. */
  readonly isForeign: boolean;
}

/**
 * Carries jobs to consumers, first in, first out, at least once.
 *
 * Every method may be called concurrently. A broker that cannot be reached is a ValetError
 * `unavailable`; so is every call after `close`, except `ack`, `nack` and `take`, which then do
 * nothing (an unacked message comes back by itself where the queue outlives the process).
 */
export interface Queue {
  /** Whether messages outlive this process, and others may consume them. */
  readonly isShared: boolean;

  /**
   * Adds the jobs at the end, all or none, and returns when the queue has them.
   *
   * @throws ValetError `queue_full` where they do not all fit, `too_large` where a message of theirs never
   * will: some of the others may have been added, and no other call suffers.
   */
  publish(jobs: readonly Job[]): Promise<void>;

  /**
   * How many more jobs `publish` would take now; Infinity where nothing bounds the queue. Throws
   * `unavailable`, like `publish`, while the broker is known to be out of reach.
   */
  room(): number;

  /** How many messages wait in the queue, for whichever consumer; those in a consumer's hands do not count. */
  depth(): Promise<number>;

  /**
   * Calls back, once, as soon as `publish` would take a job: at once if it would now. A later call
   * replaces an earlier one that has not been answered.
   */
  onRoom(callback: () => void): void;

  /**
   * Waits for messages and takes up to `limit` of them (1 or more), in order. Returns as soon as there
   * is one; waits through an outage of the broker. An aborted signal or a closed queue gives an empty
   * array; no message is lost by an abort. One call at a time.
   */
  take(limit: number, signal: AbortSignal): Promise<readonly Delivery[]>;

  /** Ends the deliveries: their messages are gone. Unknown or ended deliveries are ignored. */
  ack(deliveries: readonly Delivery[]): Promise<void>;

  /**
   * Puts the messages back, to the front in their old order. It never fails for want of room. Unknown
   * or ended deliveries are ignored, as are those of a connection that was lost: their messages come
   * back by themselves.
   */
  nack(deliveries: readonly Delivery[]): Promise<void>;

  /** Whether the queue can be used now. Never throws. */
  health(): Promise<Health>;

  /** Releases everything and ends a `take` that waits. A second close does nothing. */
  close(): Promise<void>;
}

/** What `publish` throws where so many jobs do not fit. */
export function queueFull(count: number, room: number, capacity: number): ValetError {
  return new ValetError(
    "queue_full",
    `Cannot publish ${count} jobs: the job queue has room for ${room} of its ${capacity}; try again ` +
      "later or raise its capacity",
  );
}
