import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import { openStoredQueue } from "../../../src/engine/stored_queue.ts";
import type { Job } from "../../../src/jobs/job.ts";
import type { Queue } from "../../../src/jobs/queue.ts";
import type { Repository } from "../../../src/jobs/repository.ts";
import { queueConformance } from "../../conformance/queue.ts";
import { claimJobs } from "../../testing/claim_jobs.ts";
import { makeJob, makeJobs } from "../../testing/make_job.ts";
import { takeDeliveries } from "../../testing/take_deliveries.ts";

queueConformance({
  name: "stored",
  isShared: false,
  open: async (capacity) => (await open({ capacity })).queue,
  exceptions: { largeTexts: "the repository holds them" },
});

const never = new AbortController().signal;

interface OpenOptions {
  readonly stored?: readonly Job[];
  readonly held?: number;
  readonly capacity?: number;
}

/** A queue that holds so many messages in memory, over a repository with these jobs. */
async function open({ stored = [], held = 1000, capacity = Infinity }: OpenOptions = {}) {
  const repository = await openMemoryRepository();
  await repository.insert(stored);
  const inner = await openMemoryQueue({ capacity: held });
  const queue = await openStoredQueue({ repository, queue: inner, capacity });
  /** As the service does. */
  const submit = async (jobs: readonly Job[]) => {
    await repository.insert(jobs);
    await queue.publish(jobs);
  };
  return { repository, inner, queue, submit };
}

/** Takes and claims, as the dispatcher does, until it has so many jobs; the ids in the order of their claims. */
async function claim(repository: Repository, queue: Queue, count: number): Promise<string[]> {
  const claimed: string[] = [];
  while (claimed.length < count) {
    const deliveries = await queue.take(Math.min(32, count - claimed.length), never);
    const ids = deliveries.map(({ job }) => job.id);
    for (const job of await claimJobs(repository, ids)) claimed.push(job.id);
    await queue.ack(deliveries);
  }
  return claimed;
}

const idsOf = (jobs: readonly Job[]) => jobs.map(({ id }) => id);

Deno.test("StoredQueue takes any number of jobs, holds few and delivers all, each once and in order", async () => {
  const { repository, inner, queue, submit } = await open({ held: 10 });
  const jobs = makeJobs(3_000);
  for (const job of jobs) await submit([job]);
  assert.equal(queue.room(), Infinity);
  assert.equal(await inner.depth(), 10);
  assert.equal(await queue.depth(), 3_000);
  assert.deepEqual(await claim(repository, queue, 3_000), idsOf(jobs));
  assert.equal(await queue.depth(), 0);
  const next = makeJob();
  await submit([next]);
  assert.deepEqual(await claim(repository, queue, 1), [next.id]);
  await queue.close();
});

Deno.test("StoredQueue: jobs that arrive while others wait in the store do not overtake them", async () => {
  const { repository, queue, submit } = await open({ held: 5 });
  const jobs = makeJobs(600);
  const claimed: string[] = [];
  for (const job of jobs) {
    await submit([job]);
    if (claimed.length % 2 === 0 || claimed.length < 100) {
      claimed.push(...await claim(repository, queue, claimed.length % 3 === 0 ? 1 : 0));
    }
  }
  claimed.push(...await claim(repository, queue, jobs.length - claimed.length));
  assert.deepEqual(claimed, idsOf(jobs));
  await queue.close();
});

Deno.test("StoredQueue reads no job again of which it had a message", async () => {
  const { repository, queue, submit } = await open({ held: 1_000 });
  const jobs = makeJobs(1_200);
  for (const job of jobs) await submit([job]);
  const find = repository.find.bind(repository);
  let readCount = 0;
  repository.find = async (query) => {
    const work = await find(query);
    readCount += work.jobs.length;
    return work;
  };
  assert.deepEqual(await claim(repository, queue, jobs.length), idsOf(jobs));
  assert.equal(readCount, 200);
  await queue.close();
});

Deno.test("StoredQueue delivers what waited in the store before it was opened, in order", async () => {
  const stored = makeJobs(700);
  const { repository, queue, submit } = await open({ stored, held: 300 });
  const jobs = makeJobs(50);
  await submit(jobs);
  assert.deepEqual(await claim(repository, queue, 750), idsOf([...stored, ...jobs]));
  await queue.close();
});

Deno.test("StoredQueue delivers older jobs that came to wait later, and a batch larger than it holds", async () => {
  const { repository, queue, submit } = await open({ held: 10 });
  const older = makeJobs(30);
  const jobs = makeJobs(100);
  await submit(jobs);
  const first = await claim(repository, queue, 50);
  assert.deepEqual(first, idsOf(jobs.slice(0, 50)));
  await submit(older);
  const rest = await claim(repository, queue, 80);
  assert.deepEqual(rest.toSorted(), idsOf([...older, ...jobs.slice(50)]));
  await queue.close();
});

Deno.test("StoredQueue wakes a take that waits, also with a batch larger than it holds", async () => {
  const { queue, repository } = await open({ held: 3 });
  const jobs = makeJobs(7);
  const taking = queue.take(10, never);
  await repository.insert(jobs);
  await queue.publish(jobs);
  const deliveries = await taking;
  assert.deepEqual(idsOf(deliveries.map(({ job }) => job)), idsOf(jobs.slice(0, 3)));
  await queue.close();
});

Deno.test("StoredQueue holds none of the large texts of a job", async () => {
  const stored = makeJobs(2, { paramsJson: "{}", description: "text" });
  const { queue, submit } = await open({ stored });
  await submit(makeJobs(2, { paramsJson: "{}", description: "text" }));
  for (const { job } of await takeDeliveries(queue, 4)) {
    assert.deepEqual([job.paramsJson, job.description], [undefined, undefined]);
  }
  await queue.close();
});

Deno.test("StoredQueue with a capacity counts what waits in the store, and tells when there is room", async () => {
  const stored = makeJobs(40);
  const { repository, queue, submit } = await open({ stored, held: 10, capacity: 30 });
  assert.equal(queue.room(), 0);
  await assert.rejects(queue.publish([makeJob()]), { code: "queue_full" });
  let calls = 0;
  queue.onRoom(() => calls++);
  await claim(repository, queue, 10);
  assert.deepEqual([queue.room(), calls], [0, 0]);
  await claim(repository, queue, 1);
  assert.deepEqual([queue.room(), calls], [1, 1]);
  await submit([makeJob()]);
  assert.equal(queue.room(), 0);
  await claim(repository, queue, 30);
  assert.equal(await queue.depth(), 0);
  await queue.close();
});

Deno.test("StoredQueue with a capacity has its room back where jobs were deleted from the store", async () => {
  const stored = makeJobs(40);
  const { repository, queue } = await open({ stored, held: 10, capacity: 40 });
  for (const { id } of stored.slice(20)) await repository.delete(id);
  await claim(repository, queue, 20);
  const aborted = new AbortController();
  const taking = queue.take(1, aborted.signal);
  aborted.abort();
  assert.deepEqual(await taking, []);
  assert.equal(queue.room(), 40);
  await queue.close();
});

Deno.test("StoredQueue: a take whose read fails throws, and the next one goes on", async () => {
  const { repository, inner } = await open({ held: 2 });
  await repository.insert(makeJobs(9));
  const find = repository.find.bind(repository);
  let isDown = false;
  repository.find = (query) => isDown ? Promise.reject(new Error("it is away")) : find(query);
  const queue = await openStoredQueue({ repository, queue: inner, capacity: Infinity });
  isDown = true;
  assert.equal((await claim(repository, queue, 2)).length, 2);
  await assert.rejects(queue.take(1, never), { message: "it is away" });
  isDown = false;
  assert.equal((await claim(repository, queue, 7)).length, 7);
  await queue.close();
});

Deno.test("StoredQueue: a close during a read ends the take", async () => {
  const { repository, inner } = await open({ held: 2 });
  await repository.insert(makeJobs(9));
  const queue = await openStoredQueue({ repository, queue: inner, capacity: Infinity });
  await claim(repository, queue, 2);
  const taking = queue.take(1, never);
  await queue.close();
  assert.deepEqual(await taking, []);
});
