// Keeps a second Valet away from a database, and lets other programs read it: SQLite's own exclusive lock
// would lock those out too. Used by file.ts.

/** Holds the lock until it is released or the process ends, however that ends. */
export interface FileLock {
  /** The side file that carries the lock. */
  readonly path: string;
  /** Releases the lock and removes its side file. */
  readonly release: () => void;
}

/**
 * Locks `${path}-lock`, which is made for it; null: another process, or another caller in this one, holds it.
 *
 * The kernel releases the lock with the last descriptor, also after `kill -9`; a side file that is left behind
 * locks nothing out.
 */
export function lockFile(databasePath: string): FileLock | null {
  const path = `${databasePath}-lock`;
  while (true) {
    const file = Deno.openSync(path, { write: true, create: true, mode: 0o600 });
    if (!file.tryLockSync(true)) {
      file.close();
      return null;
    }
    // The holder before may have removed the file after it was opened here: then the lock is one of no name.
    if (isAt(file, path)) return { path, release: () => release(file, path) };
    file.close();
  }
}

function release(file: Deno.FsFile, path: string): void {
  // While the lock is held, so that nobody else's file is removed.
  if (isAt(file, path)) Deno.removeSync(path);
  file.close();
}

function isAt(file: Deno.FsFile, path: string): boolean {
  try {
    return file.statSync().ino === Deno.statSync(path).ino;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
