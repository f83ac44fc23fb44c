// Every statement of the SQLite repository. Prepared once by jobs.ts; values are always bound.
// Each one is bounded by an index or by its LIMIT: a test asks SQLite for its plans.

import { jobColumns, jobStates } from "./rows.ts";

const { abandoned, deferred, running, scheduled, waiting } = jobStates;

/** What a filter in JavaScript needs to see of a job. */
const candidateColumns = "id, state, task_name, name, description";

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
  candidates: `SELECT ${candidateColumns} FROM jobs WHERE id < ? ORDER BY id DESC LIMIT ?`,
  candidatesOfTask: `SELECT ${candidateColumns} FROM jobs
    WHERE task_name = ? AND id < ? ORDER BY id DESC LIMIT ?`,
  candidatesOfStates: ofStates(
    candidateColumns,
    "?1",
    "?2",
    "id < ?3",
    "ORDER BY id DESC LIMIT ?4",
  ),
} as const;
