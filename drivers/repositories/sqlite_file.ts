// Opens the file of the SQLite repository and turns what may be wrong with it into one clear error. Used
// by sqlite.ts alone.

import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type ErrorCode, errorMessage, ValetError } from "../../src/errors.ts";
import { SqliteJobs } from "./sqlite_jobs.ts";
import { assertKnownSchema, migrate } from "./sqlite_schema.ts";

/** The log may grow to so many pages of 4 KiB before its content moves into the file. */
const checkpointPages = 4_000;
/** After a transaction that was larger, the log shrinks to this. */
const maxLogBytes = 64 * 1024 * 1024;

const pageCacheKib = 64 * 1024;

/** From the first access on: then the log needs no shared memory beside the file. */
const exclusiveLock = "PRAGMA locking_mode = EXCLUSIVE";
/** SQLite does not sync commits, for each of which it would block the process: sqlite_commits.ts does. */
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
 * @throws ValetError `invalid_config` as {@link assertUsablePath} does and for a file of another program,
 * `failed_precondition` for one that cannot be used now: another process has it, it is damaged, of a newer
 * Valet.
 */
export function openSqliteFile(path: string): SqliteFile {
  const fullPath = resolve(path);
  let database: DatabaseSync | undefined;
  try {
    assertUsablePath(fullPath);
    // For its owner alone: SQLite gives its other files the mode of this one.
    if (!isThere(fullPath)) {
      Deno.openSync(fullPath, { write: true, create: true, mode: 0o600 }).close();
    }
    database = new DatabaseSync(fullPath, connectionOptions);
    database.exec(exclusiveLock);
    assertKnownSchema(database, fullPath);
    database.exec(settings);
    migrate(database);
    const jobs = new SqliteJobs(database);
    return { jobs, log: Deno.openSync(`${fullPath}-wal`, { write: true }), database };
  } catch (thrown) {
    database?.close();
    throw toValetError(thrown, fullPath);
  }
}

/**
 * Sees whether a database can be there, and leaves everything as it is.
 *
 * @throws ValetError `invalid_config` for a path without a folder, of a folder, or that Valet may not use.
 */
export function assertUsablePath(path: string): void {
  const fullPath = resolve(path);
  try {
    const reason = problemOfPath(fullPath);
    if (reason !== undefined) throw cannotOpen("invalid_config", fullPath, reason);
  } catch (thrown) {
    throw toValetError(thrown, fullPath);
  }
}

function problemOfPath(path: string): string | undefined {
  const folder = dirname(path);
  if (!isFolder(folder)) return `there is no folder ${folder}; make it first`;
  if (isFolder(path)) return "it is a folder; the path of a file is allowed";
  if (!isWritable(folder) || (isThere(path) && !isWritable(path))) return readOnlyReason;
  return undefined;
}

const readOnlyReason = "the file or its folder is read-only; Valet must be able to write both";

const knownProblems: readonly {
  readonly part: string;
  readonly code: ErrorCode;
  readonly reason: string;
}[] = [
  {
    part: "database is locked",
    code: "failed_precondition",
    reason: "another process uses it; one process at a time is allowed",
  },
  {
    part: "file is not a database",
    code: "invalid_config",
    reason: "the file is no SQLite database; a new file or one of Valet is allowed",
  },
  { part: "readonly database", code: "invalid_config", reason: readOnlyReason },
  {
    part: "not capable",
    code: "invalid_config",
    reason:
      "Valet may not use that path; a folder on a disk is allowed, and not /dev, /proc or /sys",
  },
];

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function toValetError(thrown: unknown, path: string): ValetError {
  if (thrown instanceof ValetError) return thrown;
  const text = thrown instanceof Deno.errors.NotCapable ? "not capable" : errorMessage(thrown);
  const { code, reason } = knownProblems.find(({ part }) => text.includes(part)) ??
    { code: "failed_precondition", reason: text };
  return cannotOpen(code, path, reason, thrown);
}

function cannotOpen(code: ErrorCode, path: string, reason: string, cause?: unknown): ValetError {
  return new ValetError(code, `Cannot open the SQLite database ${path}: ${reason}`, { cause });
}
