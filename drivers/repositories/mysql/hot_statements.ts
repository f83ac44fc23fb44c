// The SQL of the hot path: statements for so many jobs at once, each of them one pass over its rows.
// Used by what inserts, claims and finishes jobs; values are bound, never part of a text.

import { jobColumns } from "./rows.ts";
import { states } from "./states.ts";

const insertColumns = [...jobColumns, "due_at_ms"];
const insertRow = `(${places(insertColumns.length)})`;

/** Inserts so many rows of the values of {@link jobColumns} and `due_at_ms`. */
export function insertStatement(rowCount: number): string {
  const rows = Array.from({ length: rowCount }, () => insertRow).join(", ");
  return `INSERT INTO valet_jobs (${insertColumns.join(", ")}) VALUES ${rows}`;
}

/**
 * Claims so many ids: takes the time, the token, how many microseconds the lease lasts, and the ids. The index
 * must be given: in that of the states the jobs move while they are claimed.
 */
export function claimStatement(idCount: number): string {
  return `UPDATE valet_jobs FORCE INDEX (PRIMARY) SET state = ${states.inProgress}, ` +
    "started_at_ms = ?, attempt = attempt + 1, fence = fence + 1, claim_token = ?, " +
    "lease_until = UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND " +
    `WHERE id IN (${places(idCount)}) AND state IN (${states.pending}, ${states.scheduled})`;
}

/**
 * Finishes so many jobs of one fence in one state: takes the ids, then for each of them, as text, the start,
 * the end, the duration and `textColumn`, then the ids once more and the fence. It looks up the place of a row
 * among the ids once and keeps it in a column that means nothing any more, since assignments go from left to
 * right: half the work of a join with the values.
 */
export function finishStatement(
  state: number,
  textColumn: "result" | "failure_reason",
  idCount: number,
): string {
  const each = places(idCount);
  const perRow = ["started_at_ms", "completed_at_ms", "duration_ms", textColumn]
    .map((column) => `${column} = ELT(claim_token, ${each})`).join(", ");
  return `UPDATE valet_jobs FORCE INDEX (PRIMARY) SET claim_token = FIELD(id, ${each}), ` +
    `state = ${state}, has_result = 1, ${perRow} ` +
    `WHERE id IN (${each}) AND state = ${states.inProgress} AND fence = ?`;
}

function places(count: number): string {
  return Array(count).fill("?").join(", ");
}
