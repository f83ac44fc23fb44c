// Keeps jobs in this process: the reference of the Repository contract, and the fastest store.
// Opened by drivers/mod.ts. No method but `list` awaits anything, so each one is atomic.

// deno-lint-ignore-file require-await -- async only turns what is thrown into a rejection

import { systemClock } from "../../../src/clock.ts";
import { ValetError } from "../../../src/errors.ts";
import type { Job, JobResult } from "../../../src/jobs/job.ts";
import { applyChange, type Change, changedId, resultAfter } from "../../../src/jobs/job_change.ts";
import { getLogger } from "../../../src/log/log.ts";
import type {
  Health,
  JobCounts,
  JobPage,
  JobQuery,
  Repository,
  Work,
  WorkQuery,
} from "../../../src/jobs/repository.ts";
import { readPositiveInteger } from "../../read_option.ts";
import { readPage } from "../job_page.ts";
import { type Entry, JobTable, sizeOf } from "./job_table.ts";

/**
 * Opens an empty repository that ends with the process.
 *
 * @param options `{ maxMemoryMb }`: about how many MiB it may hold, default 1024. Above that it forgets
 * the jobs that finished first, with their results; where none has finished it refuses new ones.
 * @throws ValetError `invalid_config`
 */
export async function openMemoryRepository(options?: unknown): Promise<Repository> {
  return new MemoryRepository(readMaxMemoryMb(options));
}

/** Throws `invalid_config` for options that {@link openMemoryRepository} would refuse. */
export function checkMemoryRepository(options?: unknown): void {
  readMaxMemoryMb(options);
}

function readMaxMemoryMb(options: unknown): number {
  return readPositiveInteger(options, "maxMemoryMb", 1024, "memory repository");
}

class MemoryRepository implements Repository {
  readonly isDurable = false;
  readonly isShared = false;
  readonly now = systemClock.now;
  readonly #maxMemoryMb: number;
  readonly #maxBytes: number;
  #jobs: JobTable | undefined = new JobTable();
  #hasWarned = false;

  constructor(maxMemoryMb: number) {
    this.#maxMemoryMb = maxMemoryMb;
    this.#maxBytes = maxMemoryMb * 1024 * 1024;
  }

  async insert(jobs: readonly Job[]): Promise<void> {
    const table = this.#openTable();
    this.#assertRoom(table, jobs);
    const added: Entry[] = [];
    for (const job of jobs) {
      if (table.find(job.id) !== undefined) {
        for (const entry of added) table.remove(entry);
        throw new ValetError(
          "already_exists",
          `Cannot insert job ${job.id}: a job of that id is stored; each id is allowed once`,
        );
      }
      added.push(table.add(job));
    }
    this.#forgetAboveLimit(table);
  }

  get(id: string): Job | null {
    return this.#openTable().find(id)?.job ?? null;
  }

  async list(query: JobQuery): Promise<JobPage> {
    return await readPage(
      query,
      (beforeId) => this.#openTable().candidates({ ...query, beforeId }),
    );
  }

  async delete(id: string): Promise<Job | null> {
    const table = this.#openTable();
    const entry = table.find(id);
    if (entry === undefined) return null;
    table.remove(entry);
    return entry.job;
  }

  getResult(jobId: string): JobResult | null {
    return this.#openTable().find(jobId)?.result ?? null;
  }

  async deleteResult(jobId: string): Promise<boolean> {
    const table = this.#openTable();
    const entry = table.find(jobId);
    if (entry?.result === undefined) return false;
    table.replace(entry, entry.job, undefined);
    return true;
  }

  async change(changes: readonly Change[], nowMs: number): Promise<readonly (Job | null)[]> {
    const table = this.#openTable();
    for (const change of changes) this.#assertFits(change);
    const answers = changes.map((change) => changeOne(table, change, nowMs));
    this.#forgetAboveLimit(table);
    return answers;
  }

  async find({ state, nowMs, limit, afterId }: WorkQuery): Promise<Work> {
    const table = this.#openTable();
    // Nothing in here has been claimed by another process.
    if (state === "abandoned") return { jobs: [], nextRunAtMs: null };
    const jobs: Job[] = [];
    for (const { job } of state === "due" ? table.deferred() : table.waiting(afterId)) {
      const runAtMs = state === "due" ? job.runAtMs! : null;
      if (jobs.length === limit || (runAtMs !== null && runAtMs > nowMs)) {
        return { jobs, nextRunAtMs: runAtMs };
      }
      jobs.push(job);
    }
    return { jobs, nextRunAtMs: null };
  }

  async count(): Promise<JobCounts> {
    return this.#openTable().count();
  }

  async health(): Promise<Health> {
    if (this.#jobs === undefined) return { isHealthy: false, reason: "the repository is closed" };
    return { isHealthy: true };
  }

  async close(): Promise<void> {
    this.#jobs = undefined;
  }

  #openTable(): JobTable {
    if (this.#jobs !== undefined) return this.#jobs;
    throw new ValetError("unavailable", "Cannot use the memory repository: it is closed");
  }

  #assertRoom(table: JobTable, jobs: readonly Job[]): void {
    let bytes = table.unfinishedBytes;
    for (const job of jobs) {
      const jobBytes = sizeOf(job);
      if (jobBytes > this.#maxBytes) throw this.#tooLarge(`job ${job.id}`, jobBytes);
      bytes += jobBytes;
    }
    if (bytes <= this.#maxBytes) return;
    throw new ValetError(
      "unavailable",
      `Cannot store the job: the memory repository is full, its ${this.#maxMemoryMb} MiB are taken ` +
        "by jobs that have not finished; try again later, raise repository.memory.max_memory_mb, or " +
        "use another repository.option",
    );
  }

  /** A result that is larger than all of the memory would be forgotten at once, and its job with it. */
  #assertFits(change: Change): void {
    if (change.kind !== "finish") return;
    const { length = 0 } = change.outcome.resultJson ?? "";
    if (length > this.#maxBytes) {
      throw this.#tooLarge(`what job ${change.held.id} ended with`, length);
    }
  }

  #tooLarge(what: string, bytes: number): ValetError {
    return new ValetError(
      "too_large",
      `Cannot store ${what}: it takes ${bytes} bytes; the memory repository holds ` +
        `${this.#maxBytes} (repository.memory.max_memory_mb: ${this.#maxMemoryMb})`,
    );
  }

  #forgetAboveLimit(table: JobTable): void {
    while (table.bytes > this.#maxBytes) {
      const oldest = table.firstFinished();
      if (oldest === undefined) return;
      table.remove(oldest);
      this.#warnOnce();
    }
  }

  #warnOnce(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    getLogger("repository").warn(
      "the memory repository is full: from now on it forgets the jobs that finished first, with " +
        "their results",
      { max_memory_mb: this.#maxMemoryMb },
    );
  }
}

function changeOne(table: JobTable, change: Change, nowMs: number): Job | null {
  const entry = table.find(changedId(change));
  if (entry === undefined) return null;
  const job = applyChange(entry.job, change, nowMs);
  // The same job: nothing changes, and the result that is stored stands.
  if (job === null || job === entry.job) return job;
  table.replace(entry, job, resultAfter(change, job) ?? entry.result);
  return job;
}
