// Every statement of the SQLite repository. Prepared once by jobs.ts; values are always bound.
// Each one is led by an index: a test asks SQLite for its plans. Those of candidates are not bounded: their
// reader stops when it has worked long enough.

import { jobColumns, jobStates } from "./rows.ts";

const { abandoned, deferred, running, scheduled, waiting } = jobStates;

/**
 * The id of a job, and whether it may match: its task is ?1, and its name or description like ?2, where these
 * are not null. A text that is a blob is looked at by the filter alone.
 */
const candidateColumns = `id, (?1 IS NULL OR task_name = ?1) AND (?2 IS NULL
    OR name LIKE ?2 ESCAPE '\\' OR typeof(name) = 'blob'
    OR description LIKE ?2 ESCAPE '\\' OR typeof(description) = 'blob')`;

/** The jobs of two states in one order. SQLite merges what the index gives, it does not sort. */
function ofStates(columns: string, first: string, second: string, range: string, end: string) {
  return `SELECT ${columns} FROM jobs WHERE state = ${first} AND ${range}
    UNION ALL SELECT ${columns} FROM jobs WHERE state = ${second} AND ${range} ${end}`;
}

/** SQL by what it does. */
export const statements = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  abandonRunning: `UPDATE jobs SET state = ${abandoned} WHERE state = ${running}`,
  countStates: "SELECT state, count(*) FROM jobs GROUP BY state",
  insert: `INSERT INTO jobs (${jobColumns}) VALUES (${jobColumns.replaceAll(/\w+/g, "?")})`,
  get: `SELECT ${jobColumns} FROM jobs WHERE id = ?`,
  getResult: "SELECT result, failure_reason FROM jobs WHERE id = ? AND has_result = 1",
  delete: `DELETE FROM jobs WHERE id = ? RETURNING ${jobColumns}`,
  deleteResult: "UPDATE jobs SET has_result = 0, result = NULL WHERE id = ? AND has_result = 1",
  edit: "UPDATE jobs SET name = ?, description = ? WHERE id = ?",
  /** A step of a job that has not finished by it, if the job is still as it was thought to be. */
  move: `UPDATE jobs SET state = ?, scheduled_at_ms = ?, started_at_ms = ?, attempt = ?, fence = ?,
    crashes = ? WHERE id = ? AND fence = ? AND state IN (?, ?)`,
  /** A step that ends a job, with its result, if the job is still as it was thought to be. */
  finish: `UPDATE jobs SET state = ?, started_at_ms = ?, completed_at_ms = ?, duration_ms = ?,
    failure_reason = ?, crashes = ?, has_result = 1, result = ?
    WHERE id = ? AND fence = ? AND state IN (?, ?)`,
  due: `SELECT ${jobColumns} FROM jobs INDEXED BY jobs_by_run_at
    WHERE state = ${deferred} AND run_at_ms <= ? ORDER BY run_at_ms, id LIMIT ?`,
  nextRunAt: `SELECT run_at_ms FROM jobs INDEXED BY jobs_by_run_at
    WHERE state = ${deferred} AND run_at_ms > ? ORDER BY run_at_ms LIMIT 1`,
  waiting: ofStates(jobColumns, `${waiting}`, `${scheduled}`, "id > ?1", "ORDER BY id LIMIT ?2"),
  abandoned: `SELECT ${jobColumns} FROM jobs WHERE state = ${abandoned} ORDER BY id LIMIT ?`,
  candidates: `SELECT ${candidateColumns} FROM jobs WHERE id < ?3 ORDER BY id DESC`,
  candidatesOfTask: `SELECT ${candidateColumns} FROM jobs
    WHERE task_name = ?1 AND id < ?3 ORDER BY id DESC`,
  candidatesOfStates: ofStates(candidateColumns, "?4", "?5", "id < ?3", "ORDER BY id DESC"),
} as const;
