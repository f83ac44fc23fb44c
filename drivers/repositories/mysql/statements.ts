// The SQL of the MySQL repository: every statement that a call of the port can make, as constants, with the
// index it needs. MySQL 8 and MariaDB 10.11 both have all of it; values are bound, never part of a text.

import { jobColumns } from "./rows.ts";
import { states } from "./states.ts";

// Many rows travel as one JSON text, so that one prepared statement serves any number of them. The join goes
// through them in their order, which is that of the ids: all who change jobs lock them in the same order.
// MariaDB writes down what such a join is to change before it does; the hot path does without.

const columns = jobColumns.map((column) => `j.${column}`).join(", ");
// As text: MySQL would otherwise want a parameter of its own JSON type.
const json = "CONVERT(? USING utf8mb4)";
const ids = `JSON_TABLE(${json}, '$[*]' COLUMNS (id CHAR(32) PATH '$')) v`;
const byId = "STRAIGHT_JOIN valet_jobs j ON j.id = UNHEX(v.id)";

/**
 * The columns of the JSON rows of `changeWrite`, in this order; `lease_us` is how many microseconds from now
 * the lease ends, null: as before.
 */
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

/** What a column of a job becomes; a column without an entry becomes what the row says. */
const newValues: Partial<Record<typeof changeColumns[number], string>> = {
  has_result: "j.has_result = COALESCE(v.has_result, j.has_result)",
  result: "j.result = IF(v.has_result IS NULL, j.result, v.result)",
  lease_us:
    `j.lease_until = COALESCE(UTC_TIMESTAMP(3) + INTERVAL v.lease_us MICROSECOND, j.lease_until)`,
};

/** @param textType The type of the texts; a short one spares MariaDB a table on disk. */
function writeChanges(textType: string): string {
  const types: Readonly<Record<string, string>> = {
    id: "CHAR(32)",
    failure_reason: textType,
    result: textType,
  };
  const rows = changeColumns.map((name, i) => `${name} ${types[name] ?? "BIGINT"} PATH '$[${i}]'`);
  const changes = changeColumns.slice(1).map((name) => newValues[name] ?? `j.${name} = v.${name}`);
  return `UPDATE JSON_TABLE(${json}, '$[*]' COLUMNS (${rows.join(", ")})) v ${byId} ` +
    `SET ${changes.join(", ")}`;
}

/** How long a text may be for `changeWriteShort`, in UTF-16 units. */
export const maxShortText = 250;
// MariaDB would take the character set of the database.
const short = `VARCHAR(${maxShortText}) CHARACTER SET utf8mb4`;
const long = "LONGTEXT CHARACTER SET utf8mb4";

/** Whatever the case: the columns themselves are compared byte by byte. */
const isLike = (column: string) => `j.${column} COLLATE utf8mb4_general_ci LIKE ? ESCAPE '\\\\'`;

const count = (state: number) =>
  "SELECT COUNT(*) FROM (SELECT 1 FROM valet_jobs FORCE INDEX (valet_jobs_state) " +
  `WHERE state = ${state} LIMIT 100000) c${state}`;

/** All statements. Those of `list` give ids, newest first, and take the last id before them and a limit. */
export const statements = {
  /** Whole jobs of a JSON array of ids, in any order. */
  jobs: `SELECT ${columns} FROM ${ids} ${byId}`,
  /** The same, locked until the transaction ends, each with whether its lease is over. */
  lockedJobs: `SELECT ${columns}, j.lease_until <= UTC_TIMESTAMP(3) FROM ${ids} ${byId} FOR UPDATE`,
  /** Ids of the jobs of a JSON array of ids that have a task and are like a pattern, where these are not null. */
  searchedJobs: `SELECT j.id FROM ${ids} ${byId} WHERE (? IS NULL OR j.task_name = ?) ` +
    `AND (? IS NULL OR ${isLike("name")} OR ${isLike("description")})`,
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
  abandoned: `SELECT id FROM valet_jobs WHERE state = ${states.inProgress} ` +
    "AND lease_until <= UTC_TIMESTAMP(3) ORDER BY id LIMIT ?",
  /** How many jobs have each state, in their order; it stops at 100,000. */
  counts: Object.values(states).map(count).join(" UNION ALL "),

  /** Whole jobs of a JSON array of ids that were claimed with this token. */
  claimedJobs: `SELECT ${columns} FROM ${ids} ${byId} ` +
    `WHERE j.state = ${states.inProgress} AND j.claim_token = ?`,
  /** Writes rows of {@link changeColumns} over jobs that are locked. */
  changeWrite: writeChanges(long),
  changeWriteShort: writeChanges(short),
  /** A name of null, and a description whose first value is 0, leave what there is. */
  edit: "UPDATE valet_jobs SET name = COALESCE(?, name), " +
    "description = IF(?, ?, description) WHERE id = ?",
  delete: "DELETE FROM valet_jobs WHERE id = ?",
  /** Adds nothing, and is refused where nothing can be added. */
  testWrite: "INSERT INTO valet_jobs SELECT * FROM valet_jobs WHERE id = ''",
  deleteResult:
    "UPDATE valet_jobs SET has_result = 0, result = NULL WHERE id = ? AND has_result = 1",
} as const;
