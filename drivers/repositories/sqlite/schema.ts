// The tables of the SQLite repository, as numbered migrations. Called when a file is opened; a migration
// that has shipped never changes, the next one is added at the end.

import type { DatabaseSync } from "node:sqlite";
import { ValetError } from "../../../src/errors.ts";

/** Marks a file as Valet's: "VALT". */
const applicationId = 0x56414c54;

/**
 * `state` is one of `jobStates` in rows.ts. A text that SQLite would cut is a blob: see there. The
 * large columns come last, because to read a column SQLite passes those before it.
 */
const migrations = [
  `CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    state INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    task_name TEXT NOT NULL,
    timeout_ms INTEGER NOT NULL,
    run_at_ms INTEGER,
    created_at_ms INTEGER NOT NULL,
    scheduled_at_ms INTEGER,
    started_at_ms INTEGER,
    completed_at_ms INTEGER,
    duration_ms INTEGER,
    attempt INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    failure_reason TEXT,
    has_result INTEGER NOT NULL DEFAULT 0,
    params TEXT,
    result TEXT
  ) WITHOUT ROWID;
  CREATE INDEX jobs_by_state ON jobs (state, id);
  CREATE INDEX jobs_by_task ON jobs (task_name, id);
  CREATE INDEX jobs_by_run_at ON jobs (run_at_ms, id) WHERE state = 2;
  PRAGMA application_id = ${applicationId};`,
];

/** The version of the tables that this Valet works with. */
const schemaVersion = migrations.length;

/**
 * Makes sure, without writing, that the tables are none, or of this Valet or an older one.
 *
 * @throws ValetError `invalid_config` for those of another program, `failed_precondition` for newer ones.
 */
export function assertKnownSchema(database: DatabaseSync, path: string): void {
  const version = readNumber(database, "PRAGMA user_version");
  const owner = readNumber(database, "PRAGMA application_id");
  const isEmpty = readNumber(database, "SELECT count(*) FROM sqlite_schema") === 0;
  if (owner !== applicationId && (owner !== 0 || version !== 0 || !isEmpty)) {
    throw new ValetError(
      "invalid_config",
      `Cannot open the SQLite database ${path}: it belongs to another program; ` +
        "a new file or one of Valet is allowed",
    );
  }
  if (version > schemaVersion) {
    throw new ValetError(
      "failed_precondition",
      `Cannot open the SQLite database ${path}: its schema is version ${version}, of a newer Valet; ` +
        `this one knows versions up to ${schemaVersion}`,
    );
  }
}

/** Brings the tables up to date. Writes even if they are, and so takes the lock of the file. */
export function migrate(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  const version = readNumber(database, "PRAGMA user_version");
  for (const migration of migrations.slice(version)) database.exec(migration);
  database.exec(`PRAGMA user_version = ${schemaVersion}; COMMIT`);
}

function readNumber(database: DatabaseSync, query: string): number {
  return Number(Object.values(database.prepare(query).get()!)[0]);
}
