// The jobs in an open SQLite database: what the methods of the port read and write, without waiting. Used
// by repository.ts, which decides what shares a transaction.

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { errorMessage, ValetError } from "../../../src/errors.ts";
import {
  isFinished,
  isWaiting,
  type Job,
  type JobResult,
  type JobStatus,
  jobStatuses,
} from "../../../src/jobs/job.ts";
import { applyChange, type Change, changedId, resultAfter } from "../../../src/jobs/job_change.ts";
import type { JobQuery, Work, WorkQuery } from "../../../src/jobs/repository.ts";
import { likePattern, maxPageTextLength, textLength } from "../job_page.ts";
import { jobOf, jobStates, rowOf, stateOf, statesOf, statusOf, toColumn, toText } from "./rows.ts";
import { statements } from "./statements.ts";

type StatementName = keyof typeof statements;
type Row = SQLOutputValue[];

/** The port's JobCounts, to be counted with. */
interface Counts {
  readonly byStatus: Record<JobStatus, number>;
  waiting: number;
}

/** Sorts after the id of every job. */
const afterEveryId = "\u{10FFFF}";

/** Jobs and results. Writes belong into a `transaction`. */
export class SqliteJobs {
  readonly #database: DatabaseSync;
  readonly #prepared: Readonly<Record<StatementName, StatementSync>>;
  #counts: Counts;

  /** Takes what an earlier process held for abandoned, and counts the jobs: no query does that again. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    const pairs = Object.entries(statements).map(([name, sql]) => [name, database.prepare(sql)]);
    this.#prepared = Object.fromEntries(pairs) as Record<StatementName, StatementSync>;
    this.#prepared.abandonRunning.run();
    const zeros = jobStatuses.map((status) => [status, 0]);
    this.#counts = { byStatus: Object.fromEntries(zeros), waiting: 0 };
    for (const [state, count] of this.#rows("countStates")) {
      this.#counts.byStatus[statusOf(state)] += count as number;
      if (state === jobStates.waiting || state === jobStates.scheduled) {
        this.#counts.waiting += count as number;
      }
    }
  }

  /** Runs `work` in a transaction. What it throws undoes everything that it wrote. */
  transaction(work: () => void): void {
    const counts = this.count();
    // The rollback of an earlier one has failed.
    this.#endTransaction();
    this.#prepared.begin.run();
    try {
      work();
      this.#prepared.commit.run();
    } catch (thrown) {
      this.#counts = counts;
      this.#endTransaction();
      throw thrown;
    }
  }

  /** Stores all of the jobs. Throws `already_exists`, and then none of them is stored. */
  insert(jobs: readonly Job[]): void {
    for (const [index, job] of jobs.entries()) {
      try {
        this.#prepared.insert.run(...rowOf(job));
      } catch (thrown) {
        const refusal = errorMessage(thrown).startsWith("UNIQUE constraint failed")
          ? new ValetError(
            "already_exists",
            `Cannot insert job ${job.id}: a job of that id is stored; each id is allowed once`,
          )
          : refusalOf(job, thrown);
        if (refusal === undefined) throw thrown;
        for (const { id } of jobs.slice(0, index)) this.delete(id);
        throw refusal;
      }
      this.#count(job, 1);
    }
  }

  /** The job of that id. */
  get(id: string): Job | null {
    const row = this.#row("get", id);
    return row === undefined ? null : jobOf(row);
  }

  /** The result of that job. */
  getResult(jobId: string): JobResult | null {
    const row = this.#row("getResult", jobId);
    return row === undefined
      ? null
      : { jobId, metadataJson: toText(row[0]), error: toText(row[1]) };
  }

  /** Removes the job and its result. */
  delete(id: string): Job | null {
    const row = this.#row("delete", id);
    if (row === undefined) return null;
    const job = jobOf(row);
    this.#count(job, -1);
    return job;
  }

  /** Removes the result; false: there is none. */
  deleteResult(jobId: string): boolean {
    return this.#prepared.deleteResult.run(jobId).changes === 1;
  }

  /** Applies one change; null: it does not fit. Throws `too_large` and `invalid_argument` for what cannot be stored. */
  change(change: Change, nowMs: number): Job | null {
    if ("held" in change && change.kind !== "renew") {
      // Its holder knows all that matters: a job that is still held needs no reading.
      const { held } = change;
      const next = applyChange(held, change, nowMs);
      if (next !== null && next !== held && this.#write(held, next, change)) return next;
    }
    const job = this.get(changedId(change));
    const next = job === null ? null : applyChange(job, change, nowMs);
    if (job !== null && next !== null && next !== job) this.#write(job, next, change);
    return next;
  }

  /** What the port's `find` finds. */
  find({ state, nowMs, limit, afterId = "" }: WorkQuery): Work {
    if (state === "due") return this.#findDue(nowMs, limit);
    const { jobs } = state === "waiting"
      ? this.#page(limit, "waiting", afterId)
      : this.#page(limit, "abandoned");
    return { jobs, nextRunAtMs: null };
  }

  /** Newest first, the jobs among which the matches of a query are; null stands for one that does not match. */
  *candidates(
    { status, taskName, text, beforeId = afterEveryId }: JobQuery,
  ): Generator<{ readonly id: string; readonly job: Job | null }, void> {
    const pattern = text === undefined ? undefined : likePattern(text);
    const values = [toColumn(taskName), pattern ?? null, beforeId];
    const rows = status !== undefined
      ? this.#prepared.candidatesOfStates.iterate(...values, ...statesOf[status])
      : this.#prepared[taskName === undefined ? "candidates" : "candidatesOfTask"]
        .iterate(...values);
    for (const row of rows) {
      const id = (row as unknown as Row)[0] as string;
      const mayMatch = (row as unknown as Row)[1] === 1;
      yield { id, job: mayMatch ? this.get(id) : null };
    }
  }

  /** How many jobs there are. */
  count(): Counts {
    const { byStatus, waiting } = this.#counts;
    return { byStatus: { ...byStatus }, waiting };
  }

  #findDue(nowMs: number, limit: number): Work {
    const { jobs, next } = this.#page(limit, "due", nowMs);
    if (next !== undefined) return { jobs, nextRunAtMs: next.runAtMs! };
    const nextRunAtMs = this.#row("nextRunAt", nowMs)?.[0] as number | undefined;
    return { jobs, nextRunAtMs: nextRunAtMs ?? null };
  }

  /** The first jobs of a statement whose last value is a limit, and the one that the page has no room for. */
  #page(
    limit: number,
    name: StatementName,
    ...values: SQLInputValue[]
  ): { jobs: Job[]; next?: Job } {
    const jobs: Job[] = [];
    let pageTextLength = 0;
    for (const row of this.#prepared[name].iterate(...values, limit + 1)) {
      const job = jobOf(row as unknown as Row);
      if (jobs.length === limit || pageTextLength >= maxPageTextLength) return { jobs, next: job };
      jobs.push(job);
      pageTextLength += textLength(job);
    }
    return { jobs };
  }

  /** Undoes what has not been committed, unless a full disk has ended the transaction already. */
  #endTransaction(): void {
    if (this.#database.isTransaction) this.#prepared.rollback.run();
  }

  /** Writes what a change made of a job; false: the job is not what it was thought to be. */
  #write(job: Job, next: Job, change: Change): boolean {
    try {
      return this.#writeRow(job, next, change);
    } catch (thrown) {
      throw refusalOf(job, thrown) ?? thrown;
    }
  }

  #writeRow(job: Job, next: Job, change: Change): boolean {
    if (change.kind === "edit") {
      this.#prepared.edit.run(toColumn(next.name), toColumn(next.description), next.id);
      return true;
    }
    const before = [job.id, job.fence, ...statesOf[job.status]];
    const { changes } = isFinished(next)
      ? this.#prepared.finish.run(
        stateOf(next),
        next.startedAtMs ?? null,
        next.completedAtMs ?? null,
        next.durationMs ?? null,
        toColumn(next.failureReason),
        next.crashes,
        toColumn(resultAfter(change, next)?.metadataJson),
        ...before,
      )
      : this.#prepared.move.run(
        stateOf(next),
        next.scheduledAtMs ?? null,
        next.startedAtMs ?? null,
        next.attempt,
        next.fence,
        next.crashes,
        ...before,
      );
    if (changes !== 1) return false;
    this.#count(job, -1);
    this.#count(next, 1);
    return true;
  }

  #count(job: Job, difference: 1 | -1): void {
    this.#counts.byStatus[job.status] += difference;
    if (isWaiting(job)) this.#counts.waiting += difference;
  }

  #rows(name: StatementName, ...values: SQLInputValue[]): Row[] {
    return this.#prepared[name].all(...values) as unknown as Row[];
  }

  #row(name: StatementName, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared[name].get(...values) as unknown as Row | undefined;
  }
}

/** Result codes of SQLite by what they say of a value: too large, or not what its column can hold. */
const refusalCodes: ReadonlyMap<number, "too_large" | "invalid_argument"> = new Map([
  [18, "too_large"],
  [19, "invalid_argument"],
  [20, "invalid_argument"],
]);

/** The error of one job, whose statement alone was undone; undefined: it is of the file, and so of all. */
function refusalOf({ id }: Job, thrown: unknown): ValetError | undefined {
  const { errcode } = thrown as { readonly errcode?: unknown };
  // The lower byte of an extended code is the plain one.
  const code = refusalCodes.get(Number(errcode) & 0xff);
  if (code === undefined) return undefined;
  const message = `Cannot store job ${id} in SQLite: ${errorMessage(thrown)}`;
  return new ValetError(code, message, { cause: thrown });
}
