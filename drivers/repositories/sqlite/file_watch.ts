// Notices that a file which SQLite has open was deleted, moved or replaced: SQLite goes on writing to what
// nobody can find again. Used by repository.ts, for the database and the files beside it.

/** The files at some paths, as they were when the watch began. */
export class FileWatch {
  readonly #identities: readonly (readonly [path: string, identity: string])[];

  constructor(paths: readonly string[]) {
    this.#identities = paths.map((path) => [path, identityOf(path) ?? ""]);
  }

  /** The first path at which there is another file than before, or none; undefined: all are in place. */
  findMissing(): string | undefined {
    return this.#identities.find(([path, identity]) => identityOf(path) !== identity)?.[0];
  }
}

/** 2 microseconds. Device and number of the file; where the system has no such numbers, one text for every file. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}
