// Keeps jobs in one file that this process alone writes: they survive its end and a loss of power.
// Opened by drivers/mod.ts. Reads answer at once; writes share transactions, see commits.ts.

// deno-lint-ignore-file require-await -- async only turns what is thrown into a rejection

import { nextTurn } from "../../../src/clock.ts";
import { errorMessage, isUnavailable, ValetError } from "../../../src/errors.ts";
import type { Job, JobResult } from "../../../src/jobs/job.ts";
import type { Change } from "../../../src/jobs/job_change.ts";
import { getLogger } from "../../../src/log/log.ts";
import type {
  Backup,
  Health,
  JobCounts,
  JobPage,
  JobQuery,
  Repository,
  Work,
  WorkQuery,
} from "../../../src/jobs/repository.ts";
import { readPage, textLength } from "../job_page.ts";
import { Commits } from "./commits.ts";
import { openSqliteFile, type SqliteFile } from "./file.ts";
import type { SqliteJobs } from "./jobs.ts";

/** Lost with the power, these have a job run again, as a job does whose node died: nobody waits for the disk. */
const repeatable: ReadonlySet<Change["kind"]> = new Set([
  "schedule",
  "claim",
  "renew",
  "give_back",
]);

const log = getLogger("repository");

/**
 * Opens the repository in a file, which is made where there is none.
 *
 * @param options `{ path, synchronous }`: the file, default `valet.db`; and whether a write is answered when
 * the disk has it (`full`, the default) or already when the operating system has it (`normal`: a loss of
 * power, but not the end of the process, may then take the last writes).
 * @throws ValetError `invalid_config` for wrong options or a path where no database of Valet can be,
 * `failed_precondition` for a file that another process uses or that cannot be used as it is.
 */
export async function openSqliteRepository(options?: unknown): Promise<Repository> {
  const { path, synchronous } = readOptions(options);
  return new SqliteRepository(await openSqliteFile(path), synchronous === "full");
}

/** Throws `invalid_config` for options that {@link openSqliteRepository} refuses without opening the file. */
export async function checkSqliteRepository(options?: unknown): Promise<void> {
  const { path } = readOptions(options);
  (await import("./path.ts")).assertUsablePath(path);
}

/** Reads the file, also while a node uses it; where there is none, sees whether one can be made. */
export async function connectSqliteRepository(options?: unknown): Promise<void> {
  const { path } = readOptions(options);
  (await import("./backup.ts")).assertReadable(path);
}

/** Copies the repository to a new file; see backup.ts. Throws for wrong options as {@link openSqliteRepository} does. */
export async function backUpSqliteRepository(options: unknown, filePath: string): Promise<Backup> {
  const { path } = readOptions(options);
  return (await import("./backup.ts")).backUpSqliteFile(path, filePath);
}

class SqliteRepository implements Repository {
  readonly isDurable = true;
  readonly isShared = false;
  readonly #file: SqliteFile;
  readonly #jobs: SqliteJobs;
  readonly #commits: Commits;
  #isClosed = false;
  /** What to throw since a file is missing. */
  #missing: ValetError | undefined;
  #closing: Promise<void> | undefined;

  constructor(file: SqliteFile, isSynced: boolean) {
    const { jobs } = file;
    this.#file = file;
    this.#jobs = jobs;
    this.#commits = new Commits({
      transaction: (work) => {
        this.#assertInPlace();
        jobs.transaction(work);
      },
      sync: () => isSynced ? file.log.syncData() : nextTurn(),
      assertRoom: (bytes) => {
        this.#assertInPlace();
        file.assertRoom(bytes);
      },
    });
  }

  now(): number {
    return Date.now();
  }

  async insert(jobs: readonly Job[]): Promise<void> {
    return await this.#write(() => this.#jobs.insert(jobs), {
      countBytes: () => jobs.reduce((sum, job) => sum + textLength(job), 0),
    });
  }

  get(id: string): Job | null {
    return this.#read(() => this.#jobs.get(id));
  }

  async list(query: JobQuery): Promise<JobPage> {
    return await readPage(query, (beforeId) => this.#candidates({ ...query, beforeId }));
  }

  async delete(id: string): Promise<Job | null> {
    return await this.#write(() => this.#jobs.delete(id));
  }

  getResult(jobId: string): JobResult | null {
    return this.#read(() => this.#jobs.getResult(jobId));
  }

  async deleteResult(jobId: string): Promise<boolean> {
    return await this.#write(() => this.#jobs.deleteResult(jobId));
  }

  async change(changes: readonly Change[], nowMs: number): Promise<readonly (Job | null)[]> {
    const isLasting = changes.some(({ kind }) => !repeatable.has(kind));
    return await this.#write(
      () => changes.map((change) => this.#jobs.change(change, nowMs)),
      { isLasting, countBytes: () => changes.reduce((sum, change) => sum + sizeOf(change), 0) },
    );
  }

  async find(query: WorkQuery): Promise<Work> {
    return this.#read(() => this.#jobs.find(query));
  }

  async count(): Promise<JobCounts> {
    return this.#read(() => this.#jobs.count());
  }

  async health(): Promise<Health> {
    try {
      this.#read(() => this.#jobs.get(""));
      this.#assertInPlace();
      const { failure } = this.#commits;
      return failure === undefined
        ? { isHealthy: true }
        : { isHealthy: false, reason: failure.message };
    } catch (thrown) {
      return { isHealthy: false, reason: errorMessage(thrown) };
    }
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    await this.#commits.close();
    try {
      this.#assertInPlace();
    } catch (thrown) {
      // It is logged, and what is open is closed all the same.
      if (!isUnavailable(thrown)) throw thrown;
    } finally {
      this.#file.close();
    }
  }

  *#candidates(query: JobQuery): ReturnType<SqliteJobs["candidates"]> {
    this.#assertOpen();
    try {
      yield* this.#jobs.candidates(query);
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  #write<Result>(work: () => Result, options?: Parameters<Commits["add"]>[1]): Promise<Result> {
    this.#assertOpen();
    return this.#commits.add(work, options);
  }

  /** Throws `unavailable`, for good, once a file is missing: nobody would find again what is written to it. */
  #assertInPlace(): void {
    if (this.#missing === undefined) {
      const path = this.#file.watch.findMissing();
      if (path === undefined) return;
      this.#missing = this.#commits.lose(missingFile(path, this.#file.paths.includes(path)));
      this.#saveLog();
    }
    throw this.#missing;
  }

  /**
   * Completes the database file, wherever it is now. A log that is left behind would also be taken for that of
   * a file which is put in its place, and spoil it.
   */
  #saveLog(): void {
    try {
      this.#file.emptyLog();
    } catch (thrown) {
      log.error("cannot complete the SQLite database from its log", {
        reason: errorMessage(thrown),
      });
    }
  }

  #read<Result>(work: () => Result): Result {
    this.#assertOpen();
    try {
      return work();
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) {
      throw new ValetError("unavailable", "Cannot use the SQLite repository: it is closed");
    }
  }
}

function unreadable(cause: unknown): ValetError {
  const message = `Cannot read the SQLite database: ${errorMessage(cause)}`;
  return new ValetError("unavailable", message, { cause });
}

/** About the length of the texts that a change writes. */
function sizeOf(change: Change): number {
  if (change.kind === "finish") return JSON.stringify(change.outcome).length;
  return change.kind === "edit" ? JSON.stringify(change).length : 0;
}

function missingFile(path: string, isDatabase: boolean): ValetError {
  const remedy = isDatabase
    ? "put it back, or a backup of it, and start Valet again"
    : "start Valet again";
  return new ValetError(
    "unavailable",
    `${path} was deleted, moved or replaced while Valet had it open; ${remedy}`,
  );
}

function readOptions(options: unknown): { path: string; synchronous: "full" | "normal" } {
  if (typeof (options ?? {}) !== "object") {
    throw wrongOption(
      `its options are ${JSON.stringify(options)}`,
      'an object such as { path: "valet.db" }',
    );
  }
  const { path = "valet.db", synchronous = "full" } = (options ?? {}) as Record<string, unknown>;
  if (typeof path !== "string" || path === "" || path === ":memory:" || path.includes("\0")) {
    throw wrongOption(`path is ${JSON.stringify(path)}`, "the path of a file");
  }
  if (synchronous !== "full" && synchronous !== "normal") {
    throw wrongOption(`synchronous is ${JSON.stringify(synchronous)}`, '"full" or "normal"');
  }
  return { path: path.replace(/(?<=.)\/+$/, ""), synchronous };
}

function wrongOption(problem: string, allowed: string): ValetError {
  return new ValetError(
    "invalid_config",
    `Cannot open the SQLite repository: ${problem}; ${allowed} is allowed`,
  );
}
