// Copies the database of a SQLite repository to a file, also while a node uses it. Loaded by drivers/mod.ts for
// `valet backup`, in a process of its own: it takes as long as the database is large.

import { backup, DatabaseSync } from "node:sqlite";
import { errorMessage, ValetError } from "../../../src/errors.ts";
import type { Backup } from "../../../src/jobs/repository.ts";
import { assertUsablePath, openError } from "./path.ts";
import { assertKnownSchema } from "./schema.ts";

/** How long to wait for a program that has locked the database. A node never keeps a reader waiting. */
const lockTimeoutMs = 5_000;

/**
 * Makes the copy under another name, checks it, and only then gives it its own: what has that name is whole.
 *
 * It is as of one moment and leaves out what the nodes write meanwhile. It is for its owner's eyes alone.
 *
 * @throws ValetError `invalid_argument` where the copy cannot be made at that path; `invalid_config` where there
 * is no database of Valet; `failed_precondition` where it cannot be read now, or the copy cannot be written.
 */
export async function backUpSqliteFile(path: string, copyPath: string): Promise<Backup> {
  if (isThere(copyPath)) {
    throw cannot(copyPath, "invalid_argument", "it exists; the name of a new file is allowed");
  }
  if (!isThere(path)) {
    const reason = `there is no database ${path}; repository.sqlite.path names it`;
    throw cannot(copyPath, "invalid_config", reason);
  }
  const partPath = `${copyPath}.part`;
  makeFile(partPath, copyPath);
  try {
    await copy(path, partPath);
    const jobCount = checkCopy(partPath, copyPath);
    sync(partPath);
    const { size } = Deno.statSync(partPath);
    Deno.renameSync(partPath, copyPath);
    return { jobCount, bytes: size };
  } catch (thrown) {
    for (const end of ["", "-wal", "-shm"]) {
      if (isThere(partPath + end)) Deno.removeSync(partPath + end);
    }
    if (thrown instanceof ValetError) throw thrown;
    throw cannot(copyPath, "failed_precondition", errorMessage(thrown), thrown);
  }
}

function makeFile(partPath: string, copyPath: string): void {
  try {
    Deno.openSync(partPath, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (thrown) {
    let reason = errorMessage(thrown);
    if (thrown instanceof Deno.errors.NotFound) {
      reason = "its folder does not exist; make that first";
    } else if (thrown instanceof Deno.errors.AlreadyExists) {
      reason =
        `${partPath} exists, so another backup is under way or was broken off; then remove that file`;
    }
    throw cannot(copyPath, "invalid_argument", reason, thrown);
  }
}

async function copy(path: string, partPath: string): Promise<void> {
  const database = openToRead(path);
  try {
    // All pages at once: between two steps a node may write, and then SQLite begins again.
    await backup(database, partPath, { rate: -1 });
  } finally {
    database.close();
  }
}

/** Throws what opening would throw for a file that is no database of Valet, or for a path where none can be made. */
export function assertReadable(path: string): void {
  assertUsablePath(path);
  if (isThere(path)) openToRead(path).close();
}

function openToRead(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: lockTimeoutMs });
    assertKnownSchema(database, path);
    return database;
  } catch (thrown) {
    database?.close();
    throw openError(thrown, path);
  }
}

/** Makes the copy one file, without a log beside it, and returns how many jobs it holds. */
function checkCopy(partPath: string, copyPath: string): number {
  const database = new DatabaseSync(partPath);
  try {
    database.exec("PRAGMA journal_mode = DELETE");
    const faults = database.prepare("PRAGMA integrity_check").all()
      .map((row) => String(Object.values(row)[0]))
      .filter((line) => line !== "ok");
    if (faults.length > 0) {
      const reason = `the copy is damaged, and so may the database be: ${faults[0]}`;
      throw cannot(copyPath, "failed_precondition", reason);
    }
    return Number(database.prepare("SELECT count(*) AS count FROM jobs").get()!.count);
  } finally {
    database.close();
  }
}

function sync(path: string): void {
  const file = Deno.openSync(path, { write: true });
  file.syncSync();
  file.close();
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

function cannot(
  copyPath: string,
  code: "invalid_argument" | "invalid_config" | "failed_precondition",
  reason: string,
  cause?: unknown,
): ValetError {
  return new ValetError(code, `Cannot back up to ${copyPath}: ${reason}`, { cause });
}
