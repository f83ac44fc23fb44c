// A pool whose runs end when the test says so. For tests of the dispatcher.

import type { Pool } from "../../src/executor/host/pool.ts";
import type { PoolOptions, RunEnd } from "../../src/executor/host/pool_options.ts";
import type { Run } from "../../src/executor/host/run.ts";
import type { Outcome } from "../../src/jobs/job.ts";
import { testNowMs } from "./make_job.ts";
import { within } from "./within.ts";

/** Holds runs up to a limit and tells the dispatcher of their ends. */
export class FakePool {
  /** Every run that was submitted, in order. */
  readonly submitted: Run[] = [];
  /** The calls of `abort`. */
  readonly aborted: [jobId: string, reason: string][] = [];
  readonly #onEnds: PoolOptions["onEnds"];
  readonly #onLoadable: PoolOptions["onLoadable"];
  readonly #limit: number;
  /** Names of tasks that cannot be loaded. */
  readonly #unloadable = new Set<string>();
  readonly #held = new Set<Run>();
  readonly #waiting = new Set<() => void>();

  constructor(
    onEnds: PoolOptions["onEnds"],
    limit = 1_000,
    onLoadable: PoolOptions["onLoadable"] = () => {},
  ) {
    this.#onEnds = onEnds;
    this.#onLoadable = onLoadable;
    this.#limit = limit;
  }

  /** This pool as the dispatcher is given it. */
  asPool(): Pool {
    return this as unknown as Pool;
  }

  room(): number {
    return this.#limit - this.#held.size;
  }

  canRun({ task }: Pick<Run, "task">): boolean {
    return !this.#unloadable.has(task.name);
  }

  /** From now on the task cannot be loaded. */
  unload(taskName: string): void {
    this.#unloadable.add(taskName);
  }

  /** Now it can. */
  load(taskName: string): void {
    this.#unloadable.delete(taskName);
    this.#onLoadable();
  }

  submit(runs: readonly Run[]): void {
    for (const run of runs) {
      this.submitted.push(run);
      this.#held.add(run);
    }
    for (const look of this.#waiting) look();
  }

  abort(jobId: string, reason: string): void {
    this.aborted.push([jobId, reason]);
  }

  /** Gives everything back, as if nothing had started. */
  stop(): Promise<void> {
    this.giveBack([...this.#held], false);
    return Promise.resolve();
  }

  /** The first so many submitted runs, once there are so many. */
  async waitFor(count: number): Promise<Run[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => this.submitted.length >= count && resolve();
    this.#waiting.add(look);
    look();
    await within(promise, `run ${count}`, undefined, () => `, got ${this.submitted.length}`);
    this.#waiting.delete(look);
    return this.submitted.slice(0, count);
  }

  /** The runs end: completed with the result `1`, unless the outcome says otherwise. */
  finish(runs: readonly Run[], outcome: Partial<Outcome> = {}): void {
    for (const run of runs) this.#held.delete(run);
    this.#onEnds(runs.map((run) => ({
      run,
      outcome: {
        status: "COMPLETED",
        resultJson: "1",
        failureReason: undefined,
        startedAtMs: testNowMs,
        durationMs: 2,
        ...outcome,
      },
    })));
  }

  /** The runs end as given. */
  end(ends: readonly RunEnd[]): void {
    for (const { run } of ends) this.#held.delete(run);
    this.#onEnds(ends);
  }

  /** The runs go back to the queue. */
  giveBack(runs: readonly Run[], wasStarted: boolean): void {
    for (const run of runs) this.#held.delete(run);
    if (runs.length > 0) this.#onEnds(runs.map((run) => ({ run, wasStarted })));
  }
}
