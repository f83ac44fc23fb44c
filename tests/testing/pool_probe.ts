// A pool with the fixture tasks, real workers and real runner processes, and what it told of its runs.
// Tests wait for ends, never for time.

import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { Pool } from "../../src/executor/host/pool.ts";
import type { PoolOptions, RunEnd } from "../../src/executor/host/pool_options.ts";
import type { Run } from "../../src/executor/host/run.ts";
import type { Outcome } from "../../src/jobs/job.ts";
import { flushLogs } from "../../src/log/log.ts";
import { runnerCommand } from "../fixtures/main.ts";
import { CapturedLogs } from "./captured_logs.ts";
import { describedFixtures } from "./make_run.ts";
import { childrenOf } from "./process_facts.ts";
import { defaultDeadlineMs, within } from "./within.ts";

/** Where the pool's workers find the fixture tasks. */
export const fixtureWorkerUrl = new URL("../fixtures/worker_entry.ts", import.meta.url);

/** Knows which runs it gives back because a test asked for it. */
class ProbedPool extends Pool {
  readonly #abortedIds = new Set<string>();
  #isStopping = false;

  override abort(jobId: string, reason: string): void {
    this.#abortedIds.add(jobId);
    super.abort(jobId, reason);
  }

  override stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    return super.stop(graceMs);
  }

  /** Whether the run came back only because the pool could not start it soon. */
  isEarlyReturn(end: RunEnd): boolean {
    const isReturned = "wasStarted" in end && !end.wasStarted;
    return isReturned && !this.#isStopping && !this.#abortedIds.has(end.run.job.id);
  }
}

/** A pool under test. `await using` ends its workers. */
export class PoolProbe implements AsyncDisposable {
  readonly pool: ProbedPool;
  /** Runs that the pool gave back because it could not start them soon, and how often it did. */
  readonly returned: Run[] = [];
  /** The same runs, also those that were submitted again since: they have lost their places. */
  readonly everReturned = new Set<Run>();
  returnCount = 0;
  /** Every end that the pool told, in order. */
  readonly ends: RunEnd[] = [];
  /** How often the pool said that it has too many runaways. */
  exhaustedCount = 0;
  /** How often it said that tasks can be loaded again. */
  loadableCount = 0;
  /** Tells its runners from those of tests that run at the same time. */
  readonly #mark = `probe-${crypto.randomUUID()}`;
  readonly #endOf = new Map<Run, RunEnd>();
  readonly #waiting = new Set<() => void>();

  /**
   * One slot in a thread of this process, unless the options say otherwise. What the pool gives back is submitted
   * again once it has room, as a node does.
   */
  constructor(options: Partial<PoolOptions> = {}) {
    this.pool = new ProbedPool({
      concurrency: 1,
      maxWorkers: 16,
      backlog: 2,
      jobsPerWorker: 1,
      isolation: "worker",
      maxResultBytes: 100_000,
      tasks: describedFixtures,
      taskSettings: {},
      killGraceMs: 500,
      maxMemoryMb: 512,
      maxRunaways: 4,
      workerUrl: fixtureWorkerUrl,
      runnerCommand: { ...runnerCommand, args: [...runnerCommand.args, this.#mark] },
      clock: systemClock,
      onEnds: (told) => {
        const ends = told.filter((end) => !this.pool.isEarlyReturn(end));
        this.#keepReturned(told.filter((end) => !ends.includes(end)));
        this.ends.push(...ends);
        for (const end of ends) this.#endOf.set(end.run, end);
        for (const look of this.#waiting) look();
      },
      onLoadable: () => {
        this.loadableCount += 1;
        queueMicrotask(() => this.#submitReturned());
      },
      onExhausted: () => this.exhaustedCount += 1,
      ...options,
    });
  }

  /** The ids of its runner processes that are alive. */
  runners(): number[] {
    return childrenOf(Deno.pid, this.#mark);
  }

  /** Submits the runs and waits until all have ended. */
  async run(...runs: Run[]): Promise<RunEnd[]> {
    this.pool.submit(runs);
    return await this.endsOf(runs);
  }

  /** Submits a run of a task that logs "waiting" when it is called, and waits until it is. */
  async start(run: Run): Promise<void> {
    await using logs = new CapturedLogs();
    this.pool.submit([run]);
    await logs.waitFor({ message: "waiting", job_id: run.job.id });
  }

  /** The ends of these runs, in the order of the runs, once all of them have ended. */
  async endsOf(runs: readonly Run[]): Promise<RunEnd[]> {
    await this.#until(
      () => runs.every((run) => this.endOf(run) !== undefined),
      () => `${runs.filter((run) => this.endOf(run) === undefined).length} of ${runs.length} runs`,
    );
    return runs.map((run) => this.endOf(run) as RunEnd);
  }

  /** Waits until the pool tells of an end, of whichever run. */
  async nextEnds(): Promise<void> {
    const count = this.ends.length;
    await this.#until(() => this.ends.length > count, () => "of the next run");
  }

  /** Waits until the pool has given back so many runs because it could not start them soon. */
  async untilReturned(count: number): Promise<void> {
    await this.#until(() => this.returnCount >= count, () => `${this.returnCount} returned`);
  }

  /** The end of the run; undefined: not yet. */
  endOf(run: Run): RunEnd | undefined {
    return this.#endOf.get(run);
  }

  /** Waits for the run's end, which must be an outcome. */
  async outcomeOf(run: Run): Promise<Outcome> {
    const [end] = await this.endsOf([run]);
    assert.ok(end !== undefined && "outcome" in end, "the run was given back");
    return end.outcome;
  }

  /** Waits for the run's end, which must be a failure, and returns its reason. */
  async failureOf(run: Run): Promise<string> {
    const outcome = await this.outcomeOf(run);
    assert.equal(outcome.status, "FAILED");
    assert.equal(outcome.resultJson, undefined);
    assert.equal(typeof outcome.failureReason, "string");
    return outcome.failureReason as string;
  }

  /** Waits for the run's end, which must be a return to the queue; whether its task was called before. */
  async wasStarted(run: Run): Promise<boolean> {
    const [end] = await this.endsOf([run]);
    assert.ok(end !== undefined && "wasStarted" in end, `not given back: ${JSON.stringify(end)}`);
    return end.wasStarted;
  }

  /** Ends the workers, and checks that no run was told of twice. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.stop(0);
    // Else the timer of the log, which writes in batches, would outlive the test.
    await flushLogs();
    assert.equal(this.#endOf.size, this.ends.length, "a run ended twice");
  }

  #keepReturned(ends: readonly RunEnd[]): void {
    this.returnCount += ends.length;
    for (const { run } of ends) {
      this.returned.push(run);
      this.everReturned.add(run);
    }
    if (this.returned.length > 0) queueMicrotask(() => this.#submitReturned());
  }

  #submitReturned(): void {
    const runs = this.returned.filter((run) => this.pool.canRun(run)).slice(0, this.pool.room());
    for (const run of runs) this.returned.splice(this.returned.indexOf(run), 1);
    if (runs.length > 0) this.pool.submit(runs);
  }

  async #until(isReached: () => boolean, what: () => string): Promise<void> {
    if (isReached()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => isReached() && resolve();
    this.#waiting.add(look);
    try {
      await within(promise, "the ends of runs", defaultDeadlineMs * 2, () => `: ${what()} left`);
    } finally {
      this.#waiting.delete(look);
    }
  }
}
