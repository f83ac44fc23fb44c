// The repository port: where jobs and results are kept. The repository is the truth about every job.
// Implemented by drivers/repositories/*, called by the services in src/; says nothing of any store.

import type { Change, Job, JobResult, JobStatus } from "./job.ts";

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
}

/** One page of jobs, newest first. */
export interface JobPage {
  readonly jobs: readonly Job[];
  /** `beforeId` of the next page; null: this was the last. */
  readonly nextBeforeId: string | null;
}

/** The fields that a client may change: an absent one stays as it is. */
export interface JobFields {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
}

/** Jobs whose time has come, and when the next one will. */
export interface DueJobs {
  readonly jobs: readonly Job[];
  /** The earliest `runAtMs` among the waiting jobs that are not in `jobs`; null: there is none. */
  readonly nextRunAtMs: number | null;
}

/** How a store or a queue is doing. */
export interface Health {
  readonly isHealthy: boolean;
  /** Why not; never holds a secret. */
  readonly reason?: string;
}

/**
 * Stores jobs and results.
 *
 * Every method may be called concurrently with every other, and none waits for another caller. What
 * a method returns is a snapshot: later changes do not show in it. A store that cannot be reached is
 * a ValetError `unavailable`; so is every call after `close`. Jobs are ordered by `id`.
 */
export interface Repository {
  /**
   * Stores new jobs, all or none.
   *
   * @throws ValetError `already_exists` for an id that is stored, `unavailable` where there is no room.
   */
  insert(jobs: readonly Job[]): Promise<void>;

  /** The job, or null if there is none of that id. */
  get(id: string): Promise<Job | null>;

  /**
   * One page of jobs, newest first. A page is bounded work: it may hold fewer jobs than `limit`, even
   * none, and still name a next page. Jobs that arrive meanwhile do not move those on later pages.
   */
  list(query: JobQuery): Promise<JobPage>;

  /** Changes the given fields; false if there is no such job. */
  update(id: string, fields: JobFields): Promise<boolean>;

  /** Removes the job and its result; the job as it was, or null if there is none. */
  delete(id: string): Promise<Job | null>;

  /** The result, or null: no such job, not finished, or its result was deleted. */
  getResult(jobId: string): Promise<JobResult | null>;

  /** Removes the result and leaves the job; false if there is no result. */
  deleteResult(jobId: string): Promise<boolean>;

  /**
   * Applies each change by compare-and-set, with the rules of `applyChange`, in the given order. One
   * answer for each change: the job after it, or null where it did not fit or there is no such job.
   * A `finish` stores the result in the same step. `nowMs` is the time of the changes.
   */
  change(changes: readonly Change[], nowMs: number): Promise<readonly (Job | null)[]>;

  /** PENDING jobs with `runAtMs <= nowMs`, earliest first, at most `limit`; changes nothing. */
  findDue(nowMs: number, limit: number): Promise<DueJobs>;

  /** How many jobs are in each status. Cheap: it may be called for every request. */
  count(): Promise<Readonly<Record<JobStatus, number>>>;

  /** Whether the store can be used now. Never throws. */
  health(): Promise<Health>;

  /** Releases everything; waits for calls under way. A second close does nothing. */
  close(): Promise<void>;
}
