// A dispatcher on memory drivers and a fake pool, and what it did to each job. For tests of the dispatcher.

import { openMemoryQueue } from "../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../drivers/repositories/memory/repository.ts";
import { Dispatcher } from "../../src/engine/dispatcher.ts";
import type { Job } from "../../src/jobs/job.ts";
import { changedId } from "../../src/jobs/job_change.ts";
import { flushLogs } from "../../src/log/log.ts";
import { JobOrigins } from "../../src/jobs/origins.ts";
import type { Queue } from "../../src/jobs/queue.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { describeTable } from "./describe_table.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakePool } from "./fake_pool.ts";
import { testNowMs } from "./make_job.ts";
import { replaceMethods } from "./replace_methods.ts";
import { within } from "./within.ts";

/** The tasks that the dispatcher knows. */
export const dispatchedTasks = describeTable({
  dummytask: () => "some metadata",
  timed: { timeout: { seconds: 3 }, run: () => {} },
});

const leaseMs = 30_000;
const maxCrashes = 3;

/** What the dispatcher is opened on; the functions replace methods of the drivers. */
export interface DispatcherSetup {
  readonly poolLimit?: number;
  readonly repository?: (stored: Repository) => Partial<Repository>;
  readonly queue?: (queue: Queue) => Partial<Queue>;
}

/** A dispatcher on memory drivers, and a log of what happened, in order: `ack <ids>`, `finish <ids>` ... */
export async function openDispatcher(options: DispatcherSetup = {}) {
  const stored = await openMemoryRepository();
  const messages = await openMemoryQueue({ capacity: 10_000 });
  const steps: string[] = [];
  const waiting = new Set<() => void>();
  const note = (what: string, ids: readonly string[]) => {
    steps.push(...ids.map((id) => `${what} ${id}`));
    for (const look of waiting) look();
  };
  const faulty = replaceMethods(stored, options.repository?.(stored) ?? {});
  const faultyQueue = replaceMethods(messages, options.queue?.(messages) ?? {});
  const clock = new FakeClock(testNowMs);
  const origins = new JobOrigins();
  let pool!: FakePool;
  const dispatcher = new Dispatcher({
    tasks: dispatchedTasks,
    clock,
    origins,
    leaseMs,
    maxCrashes,
    repository: replaceMethods(faulty, {
      async change(changes, nowMs) {
        const answers = await faulty.change(changes, nowMs);
        for (const [index, change] of changes.entries()) {
          const { kind } = change;
          note(answers[index] === null ? `no ${kind}` : kind, [changedId(change)]);
        }
        return answers;
      },
    }),
    queue: replaceMethods(faultyQueue, {
      async ack(deliveries) {
        await faultyQueue.ack(deliveries);
        note("ack", deliveries.map(({ job }) => job.id));
      },
      async nack(deliveries) {
        await faultyQueue.nack(deliveries);
        note("nack", deliveries.map(({ job }) => job.id));
      },
    }),
    createPool({ onEnds, onLoadable }) {
      pool = new FakePool(onEnds, options.poolLimit, onLoadable);
      return pool.asPool();
    },
  });
  return {
    dispatcher,
    pool,
    clock,
    origins,
    repository: stored,
    queue: messages,
    /** Stores the jobs and publishes them. */
    async add(...jobs: Job[]) {
      await stored.insert(jobs);
      await messages.publish(jobs);
    },
    /** Waits until this has happened to the job; what happened to it until then. */
    async until(what: string, job: Job): Promise<string[]> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => steps.includes(`${what} ${job.id}`) && resolve();
      waiting.add(look);
      look();
      await within(promise, `${what} of a job`, undefined, () => `, got ${steps.join(", ")}`);
      waiting.delete(look);
      return steps.filter((step) => step.endsWith(job.id)).map((step) =>
        step.split(` ${job.id}`)[0]!
      );
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.stop(0);
      await messages.close();
      await stored.close();
      await flushLogs();
    },
  };
}
