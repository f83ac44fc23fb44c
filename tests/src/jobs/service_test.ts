import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import { type ErrorCode, ValetError } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { JobOrigins } from "../../../src/jobs/origins.ts";
import { createParamsCheck } from "../../../src/jobs/params_check.ts";
import { createJobService, type JobService } from "../../../src/jobs/service.ts";
import type { Queue } from "../../../src/jobs/queue.ts";
import type { Repository } from "../../../src/jobs/repository.ts";
import { describeTable } from "../../testing/describe_table.ts";
import { claimJob, runJob } from "../../testing/claim_jobs.ts";
import { testNowMs } from "../../testing/make_job.ts";
import { replaceMethods } from "../../testing/replace_methods.ts";

const input = { name: "a job", task_name: "dummytask" };
const unknownId = "0189dcd5-5311-7d40-8db0-9496a2eef37b";

interface Parts {
  readonly service: JobService;
  readonly repository: Repository;
  readonly queue: Queue;
  /** What the service told of. */
  readonly scheduled: number[];
  readonly deleted: Job[];
  readonly origins: JobOrigins;
}

/** A service on memory drivers; the given methods replace those of the drivers. */
async function makeService(
  options: {
    readonly repository?: Partial<Repository>;
    readonly queue?: Partial<Queue>;
    readonly capacity?: number;
  } = {},
): Promise<Parts> {
  const repository = replaceMethods(await openMemoryRepository(), options.repository ?? {});
  const queue = replaceMethods(
    await openMemoryQueue({ capacity: options.capacity ?? 100 }),
    options.queue ?? {},
  );
  const scheduled: number[] = [];
  const deleted: Job[] = [];
  const origins = new JobOrigins();
  const service = createJobService({
    repository,
    queue,
    tasks: describeTable({ dummytask: () => {} }),
    paramsCheck: createParamsCheck(),
    clock: { now: () => testNowMs, sleep: () => Promise.resolve() },
    timeoutUnit: "second",
    origins,
    onScheduled: (runAtMs) => scheduled.push(runAtMs),
    onDeleted: (job) => deleted.push(job),
  });
  return { service, repository, queue, scheduled, deleted, origins };
}

/** The jobs that wait in the queue. */
async function published(queue: Queue): Promise<Job[]> {
  if (queue.room() === 100) return [];
  const deliveries = await queue.take(100, new AbortController().signal);
  return deliveries.map(({ job }) => job);
}

function assertRejects(call: () => unknown, code: ErrorCode, message?: RegExp): Promise<void> {
  return assert.rejects(async () => await call(), (error) => {
    assert.ok(error instanceof ValetError, String(error));
    assert.equal(error.code, code);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  });
}

function unavailable(): Promise<never> {
  return Promise.reject(new ValetError("unavailable", "gone"));
}

Deno.test("create stores a job as PENDING and publishes it", async () => {
  const { service, repository, queue, scheduled } = await makeService();
  const job = await service.create({
    ...input,
    description: "d",
    task_params: { a: 1 },
    timeout: 2,
  });
  assert.deepEqual({ ...job, id: "" }, {
    id: "",
    name: "a job",
    description: "d",
    taskName: "dummytask",
    paramsJson: '{"a":1}',
    timeoutMs: 2000,
    runAtMs: undefined,
    status: "PENDING",
    failureReason: undefined,
    createdAtMs: testNowMs,
    scheduledAtMs: undefined,
    startedAtMs: undefined,
    completedAtMs: undefined,
    durationMs: undefined,
    attempt: 0,
    fence: 0,
    crashes: 0,
  });
  assert.deepEqual(await repository.get(job.id), job);
  assert.deepEqual(await published(queue), [job]);
  assert.deepEqual(scheduled, []);
});

Deno.test("create stores a future job, wakes the scheduler and publishes nothing", async () => {
  const { service, repository, queue, scheduled } = await makeService();
  const job = await service.create({ ...input, run_at: "2022-06-06T15:04:06Z" });
  assert.equal(job.status, "PENDING");
  assert.deepEqual(await repository.get(job.id), job);
  assert.deepEqual(await published(queue), []);
  assert.deepEqual(scheduled, [testNowMs + 1]);
});

Deno.test("create makes a job whose run_at is now or past SCHEDULED, so that it can be claimed", async () => {
  const { service, repository, queue, scheduled } = await makeService();
  for (const runAt of ["2022-06-06T15:04:05.999Z", "1970-01-01T00:00:00Z"]) {
    const job = await service.create({ ...input, run_at: runAt });
    assert.equal(job.status, "SCHEDULED");
    assert.equal(job.scheduledAtMs, testNowMs);
    assert.equal((await claimJob(repository, job.id)).status, "IN_PROGRESS");
  }
  assert.equal((await published(queue)).length, 2);
  assert.deepEqual(scheduled, []);
});

Deno.test("create gives ids that sort by creation", async () => {
  const { service } = await makeService();
  const ids: string[] = [];
  for (let count = 0; count < 10; count++) ids.push((await service.create(input)).id);
  assert.deepEqual(ids, [...ids].sort());
});

Deno.test("create refuses a wrong request and stores nothing", async () => {
  const { service, repository } = await makeService();
  await assertRejects(() => service.create({}), "invalid_argument", /name is missing/);
  assert.equal((await repository.count()).byStatus.PENDING, 0);
});

Deno.test("create refuses a job where the queue is full, before anything is stored", async () => {
  const { service, repository } = await makeService({ capacity: 2 });
  // At once: those under way count as well.
  const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => service.create(input)));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 2);
  await assertRejects(() => service.create(input), "queue_full");
  assert.equal((await repository.count()).byStatus.PENDING, 2);
  // A job for later does not need the queue now.
  await service.create({ ...input, run_at: "2030-01-01T00:00:00Z" });
});

Deno.test("create counts a create that failed as over", async () => {
  const { service } = await makeService({ capacity: 1, repository: { insert: unavailable } });
  for (let count = 0; count < 3; count++) {
    await assertRejects(() => service.create(input), "unavailable");
  }
});

Deno.test("create publishes nothing that could not be stored", async () => {
  const { service, queue } = await makeService({ repository: { insert: unavailable } });
  await assertRejects(() => service.create(input), "unavailable");
  assert.deepEqual(await published(queue), []);
});

Deno.test("create removes a job that could not be published", async () => {
  const { service, repository, deleted } = await makeService({ queue: { publish: unavailable } });
  await assertRejects(() => service.create(input), "unavailable", /gone/);
  assert.equal((await repository.count()).byStatus.PENDING, 0);
  assert.deepEqual(deleted, []);
});

Deno.test("create throws what publish threw, also where the job cannot be removed", async () => {
  const { service } = await makeService({
    queue: { publish: () => Promise.reject(new ValetError("queue_full", "full")) },
    repository: { delete: unavailable },
  });
  await assertRejects(() => service.create(input), "queue_full");
});

Deno.test("create remembers the request of a job that was accepted, whatever is refused after it", async () => {
  let isLost = false;
  const repository = await openMemoryRepository();
  const insert = (jobs: readonly Job[]) => isLost ? unavailable() : repository.insert(jobs);
  for (const replaced of [{}, { insert }]) {
    const capacity = "insert" in replaced ? 100 : 1;
    const { service, origins } = await makeService({ capacity, repository: replaced });
    const job = await service.create(input, [], "accepted");
    isLost = true;
    for (let count = 0; count < 10_000; count++) {
      await assert.rejects(service.create(input, [], `refused-${count}`));
    }
    assert.equal(origins.take(job.id), "accepted");
    isLost = false;
  }
});

Deno.test("every use case takes an id in either case and does not find any other text", async () => {
  const { service, repository } = await makeService();
  const { id } = await service.create(input);
  assert.equal((await service.get(id.toUpperCase())).id, id);
  await runJob(repository, id);
  for (const bad of [unknownId, "", "x", "__proto__", `${id}'--`, "a".repeat(70_000)]) {
    const job = /^job with ID: .{0,67} not found$/;
    const result = /^job result with ID: .{0,67} not found$/;
    await assertRejects(() => service.get(bad), "not_found", job);
    await assertRejects(() => service.update(bad, {}), "not_found", job);
    await assertRejects(() => service.delete(bad), "not_found", job);
    await assertRejects(() => service.getResult(bad), "not_found", result);
    await assertRejects(() => service.deleteResult(bad), "not_found", result);
  }
  await service.update(id.toUpperCase(), { name: "b" });
  assert.equal((await service.getResult(id.toUpperCase())).metadataJson, '"some metadata"');
  await service.deleteResult(id.toUpperCase());
  await service.delete(id.toUpperCase());
});

Deno.test("a text that is no UUID never reaches the repository", async () => {
  const fail = () => Promise.reject(new Error("reached"));
  const { service } = await makeService({
    repository: { get: fail, change: fail, delete: fail, getResult: fail, deleteResult: fail },
  });
  await assertRejects(() => service.get("x"), "not_found");
  await assertRejects(() => service.update("x", {}), "not_found");
  await assertRejects(() => service.delete("x"), "not_found");
  await assertRejects(() => service.getResult("x"), "not_found");
  await assertRejects(() => service.deleteResult("x"), "not_found");
});

Deno.test("list pages through the jobs, newest first, while others arrive", async () => {
  const { service } = await makeService();
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) ids.unshift((await service.create(input)).id);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await service.list({ limit: "2", cursor });
    seen.push(...page.jobs.map(({ id }) => id));
    cursor = page.nextCursor;
    await service.create(input);
  } while (cursor !== undefined);
  assert.deepEqual(seen, ids);
});

Deno.test("list filters, and refuses a bad query", async () => {
  const { service } = await makeService();
  await service.create(input);
  const { id } = await service.create({ ...input, name: "Other" });
  const { jobs, nextCursor } = await service.list({ q: "oTHER", status: "PENDING" });
  assert.deepEqual(jobs.map((job) => job.id), [id]);
  assert.equal(nextCursor, undefined);
  assert.deepEqual((await service.list({ task_name: "no such task" })).jobs, []);
  await assertRejects(() => service.list({ limit: "0" }), "invalid_argument");
});

Deno.test("update changes what is given and leaves the rest", async () => {
  const { service } = await makeService();
  const { id } = await service.create({ ...input, description: "d" });
  await service.update(id, { name: "b" });
  await service.update(id, { description: "" });
  await service.update(id, {});
  const { name, description } = await service.get(id);
  assert.deepEqual({ name, description }, { name: "b", description: "" });
  await service.update(id, { description: null });
  assert.equal((await service.get(id)).description, undefined);
  await assertRejects(() => service.update(id, { name: "" }), "invalid_argument");
});

Deno.test("delete removes a job with its result", async () => {
  const { service, repository, deleted } = await makeService();
  const { id } = await service.create(input);
  await runJob(repository, id);
  await service.delete(id);
  await assertRejects(() => service.get(id), "not_found");
  await assertRejects(() => service.getResult(id), "not_found");
  assert.deepEqual(deleted, []);
});

Deno.test("delete tells of a job that was running", async () => {
  const { service, repository, deleted } = await makeService();
  const { id } = await service.create(input);
  const claimed = await claimJob(repository, id);
  await service.delete(id);
  assert.deepEqual(deleted, [claimed]);
});

Deno.test("getResult finds the result once the job has finished, until it is deleted", async () => {
  const { service, repository } = await makeService();
  const { id } = await service.create(input);
  for (const call of [service.getResult, service.deleteResult]) {
    await assertRejects(() => call(id), "not_finished", /^job result with ID: .*not finished$/);
  }
  await runJob(repository, id);
  assert.deepEqual(await service.getResult(id), {
    jobId: id,
    metadataJson: '"some metadata"',
    error: undefined,
  });
  await service.deleteResult(id);
  await assertRejects(() => service.getResult(id), "not_found");
  await assertRejects(() => service.deleteResult(id), "not_found");
  assert.equal((await service.get(id)).status, "COMPLETED");
});

Deno.test("getResult and deleteResult find the result of a job that finishes while they look", async () => {
  for (const method of ["getResult", "deleteResult"] as const) {
    const inner = await openMemoryRepository();
    const { service } = await makeService({
      repository: {
        insert: (jobs) => inner.insert(jobs),
        getResult: (id) => inner.getResult(id),
        deleteResult: (id) => inner.deleteResult(id),
        get: async (id) => {
          await runJob(inner, id);
          return await inner.get(id);
        },
      },
    });
    const { id } = await service.create(input);
    await service[method](id);
    assert.equal(await inner.getResult(id) === null, method === "deleteResult");
  }
});
