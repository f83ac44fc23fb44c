// Group commit: what callers want written within one turn of the event loop, or while the disk is busy,
// shares a transaction and one sync. Used by repository.ts; knows no statement and no job.

import { nextTurn } from "../../../src/clock.ts";
import { errorMessage, ValetError } from "../../../src/errors.ts";
import { getLogger } from "../../../src/log/log.ts";

/** What commits work with. */
export interface CommitOptions {
  /** Runs `work` in a transaction, and undoes all of it if it throws. */
  readonly transaction: (work: () => void) => void;
  /** Returns when the disk has all that is committed, and not before the turn is over. */
  readonly sync: () => Promise<void>;
}

/** A write that waits for its turn. Its `work` undoes itself where it throws a ValetError. */
interface Write {
  readonly work: () => unknown;
  readonly isLasting: boolean;
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

const log = getLogger("repository");

/** Writes in groups. */
export class Commits {
  readonly #options: CommitOptions;
  #waiting: Write[] = [];
  #loop: Promise<void> | undefined;
  #failure: ValetError | undefined;
  /** Whether a sync failed. Nobody knows what is on the disk then, so nothing is promised any more. */
  #isLost = false;

  constructor(options: CommitOptions) {
    this.#options = options;
  }

  /** Why the last transaction failed; undefined: it did not. */
  get failure(): ValetError | undefined {
    return this.#failure;
  }

  /**
   * Runs `work` in the next transaction. Returns what it returned when that is on the disk or, if it is not
   * `isLasting`, as soon as it is committed: then it may be lost with the power, not with the process. A
   * ValetError of `work` is its caller's alone; any other error fails the whole group with `unavailable`.
   */
  add<Result>(work: () => Result, isLasting = true): Promise<Result> {
    return new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ work, isLasting, resolve, reject });
      this.#loop ??= this.#run();
    }) as Promise<Result>;
  }

  /**
   * Sees after a failure whether a small write works. If it does, that is no recovery: a disk that is nearly
   * full takes it and no larger one.
   *
   * @throws ValetError `unavailable` where it does not.
   */
  probe(work: () => void): void {
    try {
      if (this.#isLost) throw this.#failure;
      this.#options.transaction(work);
    } catch (thrown) {
      throw this.#tellFailure(thrown);
    }
  }

  /** Returns when everything that was added is written. */
  async settle(): Promise<void> {
    await this.#loop;
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
        this.#tellRecovery();
        for (const { tell } of lasting) tell();
      } catch (thrown) {
        const failure = this.#tellFailure(thrown);
        for (const { reject } of group) reject(failure);
      }
    }
    this.#loop = undefined;
  }

  /** Commits the first writes of the group and lets the others wait; returns what tells the callers. */
  #commit(group: Write[]): Answer[] {
    if (this.#isLost) throw this.#failure;
    const answers: Answer[] = [];
    this.#options.transaction(() => {
      const endMs = performance.now() + maxTransactionMs;
      for (const write of group) {
        answers.push({ isLasting: write.isLasting, tell: runWrite(write) });
        if (performance.now() > endMs) break;
      }
    });
    this.#waiting = group.splice(answers.length);
    return answers;
  }

  async #sync(): Promise<void> {
    try {
      await this.#options.sync();
    } catch (thrown) {
      this.#isLost = true;
      this.#failure = undefined;
      throw thrown;
    }
  }

  #tellFailure(thrown: unknown): ValetError {
    if (this.#isLost && this.#failure !== undefined) return this.#failure;
    const reason = errorMessage(thrown);
    const advice = this.#isLost ? "; start Valet again" : "";
    if (this.#failure === undefined) log.error("the SQLite database cannot be written", { reason });
    return this.#failure = new ValetError(
      "unavailable",
      `Cannot write the SQLite database: ${reason}${advice}`,
      { cause: thrown },
    );
  }

  #tellRecovery(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    log.info("the SQLite database can be written again");
  }
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
