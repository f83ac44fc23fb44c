// Opens the file of the SQLite repository. Used by repository.ts alone; what may be wrong with the file is told
// in path.ts.

import { DatabaseSync } from "node:sqlite";
import { SqliteJobs } from "./jobs.ts";
import { assertKnownSchema, migrate } from "./schema.ts";

/** The log may grow to so many pages of 4 KiB before its content moves into the file. */
const checkpointPages = 4_000;
/** After a transaction that was larger, the log shrinks to this. */
const maxLogBytes = 64 * 1024 * 1024;

const pageCacheKib = 64 * 1024;

/** From the first access on: then the log needs no shared memory beside the file. */
const exclusiveLock = "PRAGMA locking_mode = EXCLUSIVE";
/** SQLite does not sync commits, for each of which it would block the process: commits.ts does. */
const settings = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -${pageCacheKib};
  PRAGMA wal_autocheckpoint = ${checkpointPages};
  PRAGMA journal_size_limit = ${maxLogBytes};`;

/** Rows as arrays, which cost half of what objects do. A constant, because the types do not know it yet. */
const connectionOptions = { readOnly: false, returnArrays: true };

/** All that is open of a file. */
export interface SqliteFile {
  readonly jobs: SqliteJobs;
  /** The write-ahead log: what is committed is safe when this is synced. */
  readonly log: Deno.FsFile;
  readonly database: DatabaseSync;
}

/**
 * Opens the file, makes it if there is none, brings its tables up to date and locks out every other process.
 *
 * @throws ValetError `invalid_config` for a path where no database of Valet can be and for a file of another
 * program, `failed_precondition` for one that cannot be used now: another process has it, it is damaged, of
 * a newer Valet.
 */
export async function openSqliteFile(path: string): Promise<SqliteFile> {
  let database: DatabaseSync | undefined;
  try {
    makeFile(path);
    // As SQLite does, which names its other files after what a symbolic link leads to.
    const fullPath = Deno.realPathSync(path);
    database = new DatabaseSync(fullPath, connectionOptions);
    database.exec(exclusiveLock);
    assertKnownSchema(database, path);
    database.exec(settings);
    migrate(database);
    const jobs = new SqliteJobs(database);
    return { jobs, log: Deno.openSync(`${fullPath}-wal`, { write: true }), database };
  } catch (thrown) {
    database?.close();
    const { openError } = await import("./path.ts");
    throw openError(thrown, path);
  }
}

/** For its owner alone: SQLite gives its other files the mode of this one. */
function makeFile(path: string): void {
  try {
    Deno.statSync(path);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
  }
}
