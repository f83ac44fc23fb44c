// Group commit: what callers want written within one turn of the event loop, or while the disk is busy,
// shares a transaction and one sync. Used by repository.ts; knows no statement and no job.

import { nextTurn, systemClock } from "../../../src/clock.ts";
import { errorMessage, ValetError } from "../../../src/errors.ts";
import { getLogger } from "../../../src/log/log.ts";

/** What commits work with. */
export interface CommitOptions {
  /**
   * Runs `work` in a transaction, and undoes all of it if it throws. A ValetError of its own, not of `work`,
   * says that nothing can be written until Valet starts again.
   */
  readonly transaction: (work: () => void) => void;
  /** Returns when the disk has all that is committed, and not before the turn is over. */
  readonly sync: () => Promise<void>;
  /** Throws where a transaction of so many bytes could not be written. */
  readonly assertRoom: (bytes: number) => void;
}

/** A write that waits for its turn. Its `work` undoes itself where it throws a ValetError. */
interface Write {
  readonly work: () => unknown;
  readonly isLasting: boolean;
  readonly countBytes: () => number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What tells the caller of a write that has run. */
interface Answer {
  readonly isLasting: boolean;
  readonly tell: () => void;
}

/** So long may one transaction take others' time. One write alone may take longer. */
const maxTransactionMs = 20;
/** How often to look for room after a write has failed. */
const probeIntervalMs = 1_000;
/** What a group needs beside its texts, and each write of it, in pages that change. */
const groupBytes = 64 * 1024;
const writeBytes = 1024;
/** A probe for more would block the process for long. */
const maxProbeBytes = 64 * 1024 * 1024;

const log = getLogger("repository");

/**
 * Writes in groups.
 *
 * After a failure every write is still tried, since a small one may fit on a disk that is nearly full. The
 * failure is over only when one as large as that which failed is written, or would find room.
 */
export class Commits {
  readonly #options: CommitOptions;
  readonly #closing = new AbortController();
  #waiting: Write[] = [];
  #loop: Promise<void> | undefined;
  #failure: ValetError | undefined;
  /** The size of the largest group that failed. */
  #failedBytes = 0;
  /** Whether nothing can be written until Valet starts again: after a failed sync nobody knows what is on the disk. */
  #isLost = false;
  #probing: Promise<void> | undefined;

  constructor(options: CommitOptions) {
    this.#options = options;
  }

  /** Why writes fail; undefined: they do not. */
  get failure(): ValetError | undefined {
    return this.#failure;
  }

  /**
   * Runs `work` in the next transaction. Returns what it returned when that is on the disk or, if it is not
   * `isLasting`, as soon as it is committed: then it may be lost with the power, not with the process. A
   * ValetError of `work` is its caller's alone; any other error fails the whole group with `unavailable`.
   * `countBytes` tells how large the texts are that it writes; it is asked after a failure only.
   */
  add<Result>(
    work: () => Result,
    { isLasting = true, countBytes = () => 0 }: Partial<Pick<Write, "isLasting" | "countBytes">> =
      {},
  ): Promise<Result> {
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ work, isLasting, countBytes, resolve, reject });
      this.#loop ??= this.#run();
    }) as Promise<Result>;
  }

  /** Ends writing for good, for a reason that only a new start removes; returns what writes fail with from now on. */
  lose(reason: unknown): ValetError {
    if (!this.#isLost) {
      this.#isLost = true;
      this.#failure = undefined;
    }
    return this.#tellFailure(reason);
  }

  /** Returns when everything that was added is written. Nothing may be added after this. */
  async close(): Promise<void> {
    await this.#loop;
    this.#closing.abort();
    await this.#probing;
  }

  async #run(): Promise<void> {
    await nextTurn();
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        const answers = this.#commit(group);
        for (const { isLasting, tell } of answers) if (!isLasting) tell();
        const lasting = answers.filter(({ isLasting }) => isLasting);
        if (lasting.length > 0) await this.#sync();
        this.#endFailure(group);
        for (const { tell } of lasting) tell();
      } catch (thrown) {
        const failure = this.#tellFailure(thrown);
        if (!this.#isLost) this.#beginProbing(sizeOf(group));
        for (const { reject } of group) reject(failure);
      }
    }
    this.#loop = undefined;
  }

  /** Commits the first writes of the group and lets the others wait; returns what tells the callers. */
  #commit(group: Write[]): Answer[] {
    if (this.#isLost) throw this.#failure;
    const answers: Answer[] = [];
    try {
      this.#options.transaction(() => {
        const endMs = performance.now() + maxTransactionMs;
        for (const write of group) {
          answers.push({ isLasting: write.isLasting, tell: runWrite(write) });
          if (performance.now() > endMs) break;
        }
      });
    } catch (thrown) {
      throw thrown instanceof ValetError ? this.lose(thrown) : thrown;
    }
    this.#waiting = group.splice(answers.length);
    return answers;
  }

  async #sync(): Promise<void> {
    try {
      await this.#options.sync();
    } catch (thrown) {
      throw this.lose(thrown);
    }
  }

  #tellFailure(thrown: unknown): ValetError {
    if (this.#isLost && this.#failure !== undefined) return this.#failure;
    const reason = errorMessage(thrown);
    const advice = this.#isLost && !(thrown instanceof ValetError) ? "; start Valet again" : "";
    if (this.#failure === undefined) log.error("the SQLite database cannot be written", { reason });
    return this.#failure = new ValetError(
      "unavailable",
      `Cannot write the SQLite database: ${reason}${advice}`,
      { cause: thrown },
    );
  }

  #beginProbing(bytes: number): void {
    this.#failedBytes = Math.max(this.#failedBytes, bytes);
    this.#probing ??= this.#probe();
  }

  /** Looks for room until there is some: a client that was refused may not come again. */
  async #probe(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#failure !== undefined && !this.#isLost) {
      await systemClock.sleep(probeIntervalMs, signal);
      if (signal.aborted) break;
      try {
        if (!this.#isLost) this.#options.assertRoom(Math.min(this.#failedBytes, maxProbeBytes));
        this.#endFailure();
      } catch (thrown) {
        this.#tellFailure(thrown);
      }
    }
    this.#probing = undefined;
  }

  /** Ends the failure, unless what was written is smaller than what failed. */
  #endFailure(written?: readonly Write[]): void {
    if (this.#failure === undefined || this.#isLost) return;
    if (written !== undefined && sizeOf(written) < this.#failedBytes) return;
    this.#failure = undefined;
    this.#failedBytes = 0;
    log.info("the SQLite database can be written again");
  }
}

function sizeOf(group: readonly Write[]): number {
  return group.reduce((sum, { countBytes }) => sum + writeBytes + countBytes(), groupBytes);
}

function runWrite({ work, resolve, reject }: Write): () => void {
  try {
    const value = work();
    return () => resolve(value);
  } catch (thrown) {
    if (thrown instanceof ValetError) return () => reject(thrown);
    throw thrown;
  }
}
