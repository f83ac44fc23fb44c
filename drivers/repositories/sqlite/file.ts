// Opens the file of the SQLite repository for one Valet, and for other programs to read meanwhile. Used by
// repository.ts alone; what may be wrong with the file is told in path.ts.

import { DatabaseSync } from "node:sqlite";
import { getLogger } from "../../../src/log/log.ts";
import { lockFile } from "./file_lock.ts";
import { FileWatch } from "./file_watch.ts";
import { SqliteJobs } from "./jobs.ts";
import { isOnNetwork } from "./network_file.ts";
import { assertKnownSchema, migrate } from "./schema.ts";

/** The log may grow to so many pages of 4 KiB before its content moves into the file. */
const checkpointPages = 4_000;
/** After a transaction that was larger, the log shrinks to this. */
const maxLogBytes = 64 * 1024 * 1024;

const pageCacheKib = 64 * 1024;

/** From the first access on: then the log needs no memory that processes share. */
const exclusiveLock = "PRAGMA locking_mode = EXCLUSIVE";
/** SQLite does not sync commits, for each of which it would block the process: commits.ts does. */
const settings = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -${pageCacheKib};
  PRAGMA wal_autocheckpoint = ${checkpointPages};
  PRAGMA journal_size_limit = ${maxLogBytes};`;

/** How long a write may block the process while another program writes, which no program should. */
const lockTimeoutMs = 50;
/** Rows as arrays, which cost half of what objects do. A constant, because the types do not know it yet. */
const connectionOptions = { readOnly: false, returnArrays: true, timeout: lockTimeoutMs };
/** So little of a transaction stays in memory that the rest is written to the disk before its end. */
const spillingCache = "PRAGMA cache_size = 10";

/** All that is open of a file. */
export interface SqliteFile {
  /** Where the database is, and the symbolic link that leads there: either may be another file one day. */
  readonly paths: readonly string[];
  readonly jobs: SqliteJobs;
  /** The write-ahead log: what is committed is safe when this is synced. */
  readonly log: Deno.FsFile;
  /** The database and the files beside it that must stay where they are. */
  readonly watch: FileWatch;
  /** Throws what SQLite throws where the disk has no room for a transaction of so many bytes; leaves nothing behind. */
  readonly assertRoom: (bytes: number) => void;
  /** Moves what the log holds into the database file. Throws where somebody reads the log. */
  readonly emptyLog: () => void;
  readonly close: () => void;
}

/**
 * Opens the file, makes it if there is none, brings its tables up to date and locks out every other Valet.
 *
 * On a network file system it locks out every other process: the shared memory, by which SQLite lets others
 * read, is one of this machine alone.
 *
 * @throws ValetError `invalid_config` for a path where no database of Valet can be and for a file of another
 * program, `failed_precondition` for one that cannot be used now: another process has it, it is damaged, of
 * a newer Valet.
 */
export async function openSqliteFile(
  path: string,
  isShareable: (fullPath: string) => Promise<boolean> = isOnLocalDisk,
): Promise<SqliteFile> {
  const opened: (() => void)[] = [];
  const close = () => {
    while (opened.length > 0) opened.pop()!();
  };
  try {
    makeFile(path);
    // As SQLite does, which names its other files after what a symbolic link leads to.
    const fullPath = Deno.realPathSync(path);
    const isShared = await isShareable(fullPath);
    const lock = isShared ? lockFile(fullPath) : undefined;
    if (lock === null) throw new Error("another Valet uses it; one process at a time is allowed");
    if (lock !== undefined) opened.push(lock.release);
    const database = new DatabaseSync(fullPath, connectionOptions);
    opened.push(() => database.close());
    if (!isShared) database.exec(exclusiveLock);
    assertKnownSchema(database, path);
    database.exec(settings);
    migrate(database);
    const jobs = new SqliteJobs(database);
    const logPath = `${fullPath}-wal`;
    const log = Deno.openSync(logPath, { write: true });
    opened.push(() => log.close());
    const paths = Deno.lstatSync(path).isSymlink ? [fullPath, path] : [fullPath];
    const besides = lock === undefined ? [] : [`${fullPath}-shm`, lock.path];
    return {
      paths,
      jobs,
      log,
      watch: new FileWatch([...paths, logPath, ...besides]),
      assertRoom: (bytes) => assertRoom(database, bytes),
      emptyLog: () => emptyLog(database),
      close,
    };
  } catch (thrown) {
    close();
    const { openError } = await import("./path.ts");
    throw openError(thrown, path);
  }
}

async function isOnLocalDisk(fullPath: string): Promise<boolean> {
  if (!await isOnNetwork(fullPath)) return true;
  getLogger("repository").info(
    "the SQLite database is on a network file system: no other process can read it while Valet runs",
    { path: fullPath },
  );
  return false;
}

function emptyLog(database: DatabaseSync): void {
  // SQLite itself throws nothing where it had to leave something in the log.
  const [isBusy] = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() as unknown as number[];
  if (isBusy !== 0) throw new Error("another program reads the database");
}

/** Writes so many bytes to the log in a transaction, and takes that back. The log keeps the room. */
function assertRoom(database: DatabaseSync, bytes: number): void {
  try {
    // The room that the log takes up may be all that is needed.
    emptyLog(database);
  } catch {
    // The database file cannot grow, or somebody reads the log; whether that can grow is seen next.
  }
  try {
    database.exec(`${spillingCache}; BEGIN IMMEDIATE`);
    database.exec(`CREATE TABLE room (bytes); INSERT INTO room VALUES (zeroblob(${bytes}))`);
  } finally {
    // A full disk has ended it already.
    if (database.isTransaction) database.exec("ROLLBACK");
    database.exec(`PRAGMA cache_size = -${pageCacheKib}`);
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
