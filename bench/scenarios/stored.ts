// What 1,000,000 finished jobs cost the next request and the next scheduler pass, beside 1,000.

import { createJobIds } from "../../src/jobs/id.ts";
import { systemClock } from "../../src/clock.ts";
import { openMemoryQueue } from "../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../drivers/repositories/memory/repository.ts";
import { Scheduler } from "../../src/engine/scheduler.ts";
import { compare, type Comparison } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { type ServerProcess, startValet, unboundedQueue } from "../server_process.ts";
import { currentSource, type Source } from "../source.ts";
import { createJob, storeFinishedJobs } from "../stored_jobs.ts";
import { closeGate, noopBody, submit } from "../valet_client.ts";

const few = 1_000;
const many = 1_000_000;
const turns = 3;
const load = { connections: 32, warmUpMs: 300, durationMs: 1_000 } as const;

/** Measures POST, GET and the scheduler over few and over many stored jobs. */
export async function measureStored(source: Source): Promise<Figure[]> {
  const figures = await measureRequests(source);
  // Measured in this process, so of these sources only.
  return source === currentSource ? [...figures, await measureTicks()] : figures;
}

async function measureRequests(source: Source): Promise<Figure[]> {
  await using small = await startBlockedValet(source, few);
  await using large = await startBlockedValet(source, many);
  const post = await compareRates(() => measurePost(small), () => measurePost(large));
  const get = await compareRates(() => measureGet(small), () => measureGet(large));
  return [toFigure("POST", post), toFigure("GET of a job", get)];
}

function toFigure(what: string, { value, plain }: Comparison): Figure {
  const name = `${what} with 1,000,000 finished jobs, against 1,000`;
  return { name, plain: plain.replace("bare", "1,000:"), value, unit: "x" };
}

/** Takes both measures in turns and compares their means. */
async function compareRates(
  measureFew: () => Promise<number>,
  measureMany: () => Promise<number>,
): Promise<Comparison> {
  let [fewPerS, manyPerS] = [0, 0];
  for (let turn = 0; turn < turns; turn++) {
    fewPerS += await measureFew() / turns;
    manyPerS += await measureMany() / turns;
  }
  return compare(fewPerS, manyPerS);
}

async function startBlockedValet(source: Source, storedJobs: number): Promise<ServerProcess> {
  const worker_pool = { concurrency: 2 };
  const settings = { ...unboundedQueue, worker_pool };
  const server = await startValet(source, { settings, storedJobs });
  await closeGate(server, worker_pool.concurrency);
  return server;
}

async function measurePost({ port }: ServerProcess): Promise<number> {
  const request = { port, method: "POST", paths: ["/jobs"], body: noopBody } as const;
  return (await runLoad({ ...load, ...request }, 202)).ratePerS;
}

async function measureGet(server: ServerProcess): Promise<number> {
  const paths = [`/jobs/${await submit(server, "dummytask")}`];
  return (await runLoad({ ...load, port: server.port, method: "GET", paths }, 200)).ratePerS;
}

/** Passes that each move on one job, in this process. */
async function measureTicks(): Promise<Figure> {
  const small = await openTicker(few);
  const large = await openTicker(many);
  const { value, plain } = await compareRates(small, large);
  return toFigure("scheduler pass", { value, plain: plain.replaceAll("/s", "passes/s") });
}

async function openTicker(storedJobs: number): Promise<() => Promise<number>> {
  const repository = await openMemoryRepository();
  await storeFinishedJobs(repository, storedJobs);
  const queue = await openMemoryQueue();
  const scheduler = new Scheduler({
    repository,
    queue,
    clock: systemClock,
    pollingIntervalMs: 60_000,
    leaseMs: 30_000,
    maxCrashes: 3,
    holds: () => false,
  });
  const createJobId = createJobIds();
  const { signal } = new AbortController();
  const count = 20_000;
  return async () => {
    let tookMs = 0;
    for (let done = 0; done < count; done++) {
      const nowMs = Date.now();
      await repository.insert([createJob(createJobId(nowMs), nowMs, nowMs)]);
      const startMs = performance.now();
      await scheduler.tick(nowMs);
      tookMs += performance.now() - startMs;
      await queue.ack(await queue.take(1, signal));
    }
    return count * 1000 / tookMs;
  };
}
