// The repository port: where jobs and results are kept. The repository is the truth about every job.
// Implemented by drivers/repositories/*, called by the services in src/; says nothing of any store.

import type { Job, JobResult, JobStatus } from "./job.ts";
import type { Change } from "./job_change.ts";
import type { MaybePromise } from "../maybe_promise.ts";

/** Which jobs to list. Every given filter must match. */
export interface JobQuery {
  readonly status?: JobStatus | undefined;
  readonly taskName?: string | undefined;
  /** Part of the name or the description, whatever its case. */
  readonly text?: string | undefined;
  /** At most this many jobs, 1 to 1000. */
  readonly limit: number;
  /** Only jobs whose id sorts before this one: the last id of the page before. */
  readonly beforeId?: string | undefined;
  /** Looks for jobs no longer than this, but at one at least; absent: until the page is full. */
  readonly maxMs?: number | undefined;
}

/** One page of jobs, newest first. */
export interface JobPage {
  readonly jobs: readonly Job[];
  /** `beforeId` of the next page; null: this was the last. */
  readonly nextBeforeId: string | null;
}

/** Which jobs somebody has to do something about. */
export interface WorkQuery {
  /**
   * - `due`: PENDING jobs with `runAtMs <= nowMs`, earliest first.
   * - `waiting`: jobs that can be claimed now, in the order of their ids.
   * - `abandoned`: IN_PROGRESS jobs whose holder is gone, in the order of their ids. In a store that nodes
   *   share these are the ones whose lease is over; in another those that an earlier process has left.
   */
  readonly state: "due" | "waiting" | "abandoned";
  readonly nowMs: number;
  /** At most this many jobs, 1 to 1000; fewer where they are large, but never none for that. */
  readonly limit: number;
  /** Of the `waiting` ones only those whose id sorts after this one. */
  readonly afterId?: string | undefined;
}

/** The jobs that a {@link WorkQuery} asked for. */
export interface Work {
  readonly jobs: readonly Job[];
  /** For `due`: the earliest `runAtMs` among the waiting jobs that are not in `jobs`; null: there is none. */
  readonly nextRunAtMs: number | null;
}

/** How many jobs there are. A store that would have to look at them all may stop at 100,000 of a kind. */
export interface JobCounts {
  readonly byStatus: Readonly<Record<JobStatus, number>>;
  /** Jobs that can be claimed now: SCHEDULED ones, and PENDING ones without `runAtMs`. */
  readonly waiting: number;
}

/** How a store or a queue is doing. */
export interface Health {
  readonly isHealthy: boolean;
  /** Why not; never holds a secret. */
  readonly reason?: string;
}

/** A copy of a repository that was made. */
export interface Backup {
  readonly jobCount: number;
  readonly bytes: number;
}

/**
 * Stores jobs and results.
 *
 * Every method may be called concurrently with every other, and none waits for another caller. What
 * a method returns is a snapshot: later changes do not show in it. A store that cannot be reached is
 * a ValetError `unavailable`; so is every call after `close`. Jobs are ordered by `id`. What the store will
 * never take is `too_large` (the message has both sizes) or `invalid_argument`: an error of the one call that
 * brought it, whatever other calls it shares a statement or a transaction with.
 */
export interface Repository {
  /** Whether the jobs outlive this process. */
  readonly isDurable: boolean;
  /** Whether several nodes may use the store at the same time: then a claim holds for its lease only. */
  readonly isShared: boolean;

  /**
   * The time of the store, in milliseconds since the Unix epoch, so that nodes whose clocks differ agree on
   * when a job is due. Costs nothing: a store with a clock of its own is asked now and then.
   */
  now(): number;

  /**
   * Stores new jobs, all or none.
   *
   * @throws ValetError `already_exists` for an id that is stored, `unavailable` where there is no room.
   */
  insert(jobs: readonly Job[]): Promise<void>;

  /** The job, or null if there is none of that id. A store that answers at once also throws at once. */
  get(id: string): MaybePromise<Job | null>;

  /**
   * One page of jobs, newest first. It may hold fewer jobs than `limit` and still name a next page: where they
   * are large, and after `maxMs`, then even none. It holds nobody up: between two turns of the event loop it
   * works a few milliseconds. Jobs that arrive meanwhile do not move those on later pages.
   */
  list(query: JobQuery): Promise<JobPage>;

  /** Removes the job and its result; the job as it was, or null if there is none. */
  delete(id: string): Promise<Job | null>;

  /** The result, or null: no such job, not finished, or its result was deleted. */
  getResult(jobId: string): MaybePromise<JobResult | null>;

  /** Removes the result and leaves the job; false if there is no result. */
  deleteResult(jobId: string): Promise<boolean>;

  /**
   * Applies each change by compare-and-set, with the rules of `applyChange`. One answer for each change: the
   * job after it, or null where it did not fit or there is no such job. Of a change with a `held` job the
   * answer may lack what changed since the claim beside it: an edit. Each id occurs once in a call, but for
   * claims: of several of one id the first has the job. A result is stored in the same step as its
   * `finish`. `nowMs` is the time of the changes, by `now()`.
   */
  change(changes: readonly Change[], nowMs: number): Promise<readonly (Job | null)[]>;

  /** Jobs that somebody has to do something about; changes nothing. */
  find(query: WorkQuery): Promise<Work>;

  /** How many jobs there are. Cheap: it may be called every second. */
  count(): Promise<JobCounts>;

  /** Whether the store can be used now. Never throws. */
  health(): Promise<Health>;

  /** Releases everything; waits for calls under way. A second close does nothing. */
  close(): Promise<void>;
}
