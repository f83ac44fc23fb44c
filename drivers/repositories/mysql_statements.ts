// The SQL of the MySQL repository: every statement that a call of the port can make, as constants, with the
// index it needs. MySQL 8 and MariaDB 10.11 both have all of it; values are bound, never part of a text.

import { jobColumns, states } from "./mysql_rows.ts";

// Many rows travel as one JSON text, so that one prepared statement serves any number of them. The join goes
// through them in their order, which is that of the ids: all who change jobs lock them in the same order.

const columns = jobColumns.map((column) => `j.${column}`).join(", ");
const ids = "JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$')) v";
const byId = "STRAIGHT_JOIN valet_jobs j ON j.id = UNHEX(v.id)";
const waiting = `${states.pending}, ${states.scheduled}`;
const leaseEnd = "UTC_TIMESTAMP(3) + INTERVAL v.lease_us MICROSECOND";

/** The columns of the JSON rows that {@link statements} with `Write` in their name take, in this order. */
export const finishColumns = [
  "id",
  "fence",
  "state",
  "started_at_ms",
  "completed_at_ms",
  "duration_ms",
  "attempt",
  "failure_reason",
  "has_result",
  "result",
] as const;

/** Like {@link finishColumns}; `lease_us` is how many microseconds from now the lease ends, null: as before. */
export const changeColumns = [
  "id",
  "state",
  "due_at_ms",
  "scheduled_at_ms",
  "started_at_ms",
  "completed_at_ms",
  "duration_ms",
  "attempt",
  "crashes",
  "failure_reason",
  "has_result",
  "result",
  "lease_us",
] as const;

type ChangeColumn = typeof finishColumns[number] | typeof changeColumns[number];

/** What a column of a job becomes; a column without an entry becomes what the row says. */
const newValues: Partial<Record<ChangeColumn, string>> = {
  has_result: "j.has_result = COALESCE(v.has_result, j.has_result)",
  result: "j.result = IF(v.has_result IS NULL, j.result, v.result)",
  lease_us: `j.lease_until = COALESCE(${leaseEnd}, j.lease_until)`,
};

/** @param textType The type of the texts; a short one spares MariaDB a table on disk. */
function changeRows(names: readonly ChangeColumn[], textType: string, condition: string): string {
  const typeOf = (name: ChangeColumn) => {
    if (name === "id") return "CHAR(32)";
    return name === "failure_reason" || name === "result" ? textType : "BIGINT";
  };
  const rows = names.map((name, i) => `${name} ${typeOf(name)} PATH '$[${i}]'`).join(", ");
  const changes = names.filter((name) => name !== "id" && name !== "fence")
    .map((name) => newValues[name] ?? `j.${name} = v.${name}`).join(", ");
  return `UPDATE JSON_TABLE(?, '$[*]' COLUMNS (${rows})) v ${byId} SET ${changes} ${condition}`;
}

/** How long a text may be for the statements with `Short` in their name, in UTF-16 units. */
export const maxShortText = 250;
// MariaDB would take the character set of the database.
const short = `VARCHAR(${maxShortText}) CHARACTER SET utf8mb4`;
const long = "LONGTEXT CHARACTER SET utf8mb4";
const held = `WHERE j.state = ${states.inProgress} AND j.fence = v.fence`;

const count = (state: number) =>
  "SELECT COUNT(*) FROM (SELECT 1 FROM valet_jobs FORCE INDEX (valet_jobs_state) " +
  `WHERE state = ${state} LIMIT 100000) c${state}`;

/** All statements. Those of `list` give ids, newest first, and take the last id before them and a limit. */
export const statements = {
  /** Whole jobs of a JSON array of ids, in any order. */
  jobs: `SELECT ${columns} FROM ${ids} ${byId}`,
  /** The same, locked until the transaction ends, each with whether its lease is over. */
  lockedJobs: `SELECT ${columns}, j.lease_until <= UTC_TIMESTAMP(3) FROM ${ids} ${byId} FOR UPDATE`,
  /** What `list` looks for a text in, of a JSON array of ids. */
  searchedJobs: `SELECT j.id, j.state, j.task_name, j.name, j.description FROM ${ids} ${byId}`,
  job: `SELECT ${columns} FROM valet_jobs j WHERE id = ?`,
  lockedJob: `SELECT ${columns} FROM valet_jobs j WHERE id = ? FOR UPDATE`,
  result: "SELECT result, failure_reason FROM valet_jobs WHERE id = ? AND has_result = 1",

  listAll: "SELECT id FROM valet_jobs WHERE id < ? ORDER BY id DESC LIMIT ?",
  listByState: "SELECT id FROM valet_jobs WHERE state = ? AND id < ? ORDER BY id DESC LIMIT ?",
  listByTask: "SELECT id FROM valet_jobs WHERE task_name = ? AND id < ? ORDER BY id DESC LIMIT ?",

  /** Ids of jobs that wait in one state, after an id. */
  waiting: "SELECT id FROM valet_jobs WHERE state = ? AND id > ? ORDER BY id LIMIT ?",
  /** Ids and times of the jobs that are due first, of those that wait for their time. */
  deferred: "SELECT id, due_at_ms FROM valet_jobs WHERE due_at_ms IS NOT NULL " +
    "ORDER BY due_at_ms, id LIMIT ?",
  abandoned: `SELECT ${columns} FROM valet_jobs j WHERE state = ${states.inProgress} ` +
    "AND lease_until <= UTC_TIMESTAMP(3) ORDER BY id LIMIT ?",
  /** How many jobs have each state, in their order; it stops at 100,000. */
  counts: Object.values(states).map(count).join(" UNION ALL "),

  /** Rows of an id, the time and how many microseconds the lease lasts; then the token. */
  claim: "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$[0]', " +
    `now_ms BIGINT PATH '$[1]', lease_us BIGINT PATH '$[2]')) v ${byId} ` +
    `SET j.state = ${states.inProgress}, j.started_at_ms = v.now_ms, j.attempt = j.attempt + 1, ` +
    `j.fence = j.fence + 1, j.claim_token = ?, j.lease_until = ${leaseEnd} ` +
    `WHERE j.state IN (${waiting})`,
  /** Whole jobs of a JSON array of ids that were claimed with this token. */
  claimedJobs: `SELECT ${columns} FROM ${ids} ${byId} ` +
    `WHERE j.state = ${states.inProgress} AND j.claim_token = ?`,
  /** Writes rows of {@link finishColumns} over jobs that are still held with that fence. */
  finishWrite: changeRows(finishColumns, long, held),
  finishWriteShort: changeRows(finishColumns, short, held),
  /** Writes rows of {@link changeColumns} over jobs that are locked. */
  changeWrite: changeRows(changeColumns, long, ""),
  changeWriteShort: changeRows(changeColumns, short, ""),
  /** Null leaves what there is. */
  edit: "UPDATE valet_jobs SET name = COALESCE(?, name), " +
    "description = COALESCE(?, description) WHERE id = ?",
  delete: "DELETE FROM valet_jobs WHERE id = ?",
  deleteResult:
    "UPDATE valet_jobs SET has_result = 0, result = NULL WHERE id = ? AND has_result = 1",
} as const;

const insertColumns = [...jobColumns, "due_at_ms"];
const insertRow = `(${insertColumns.map(() => "?").join(", ")})`;

/** Inserts so many rows of the values of {@link jobColumns} and `due_at_ms`. */
export function insertStatement(rowCount: number): string {
  const rows = Array.from({ length: rowCount }, () => insertRow).join(", ");
  return `INSERT INTO valet_jobs (${insertColumns.join(", ")}) VALUES ${rows}`;
}
