// Runaway tasks: what a server can promise with threads, and what with processes.

import { strict as assert } from "node:assert";
import { childrenOf, cpuMsOf, isAlive, waitForCpuMs } from "../testing/process_facts.ts";
import { reportMeasurement } from "../testing/report_measurement.ts";
import { type RunningValet, startValet } from "../testing/start_valet.ts";

const timeout = 300;
const reason = `timed out after ${timeout} milliseconds`;

function start(workerPool: Record<string, unknown>): Promise<RunningValet> {
  return startValet({
    tasks: "fixtures",
    config: {
      timeout_unit: "millisecond",
      job_queue: { memory_job_queue: { capacity: 1_000 } },
      worker_pool: { kill_grace: "200ms", ...workerPool },
    },
  });
}

function milliseconds(time: string | undefined): number {
  assert.ok(time !== undefined);
  return Date.parse(time);
}

Deno.test("isolation worker quarantines a task that spins, and ends the node past the limit", async () => {
  await using valet = await start({ isolation: "worker", concurrency: 2, max_runaways: 1 });
  const { api, process } = valet;

  const first = await api.run("spins", {}, { timeout });
  assert.deepEqual([first.status, first.failure_reason], ["FAILED", reason]);
  assert.ok(first.duration! < 2_000, `failed after ${first.duration} ms`);
  const advice = await process.waitForLog("the advice", ({ level }) => level === "error");
  assert.match(advice.message, /worker_pool\.isolation to process/);
  assert.equal(advice["task"], "spins");
  let { workers } = await api.status();
  assert.deepEqual([workers.runaways, workers.quarantined_tasks], [1, ["spins"]]);
  assert.deepEqual(childrenOf(process.pid), []);
  assert.equal((await api.run("ok", { a: 1 })).status, "COMPLETED");

  const id = await api.submit("spins", {}, { timeout: 1_000 });
  const runner = await waitForCpuMs(() => childrenOf(process.pid), 100);
  const second = await api.waitForJob(id);
  assert.equal(second.failure_reason, "timed out after 1 second");
  assert.ok(!isAlive(runner), "its runner lives on");
  ({ workers } = await api.status());
  assert.equal(workers.runaways, 1, "a quarantined task burns no second thread");

  await api.submit("spins_in_microtasks", {}, { timeout });
  assert.equal((await process.waitForEnd()).code, 1);
  const fatal = process.log.find(({ level }) => level === "fatal");
  assert.match(fatal?.message ?? "", /must restart/);
});

Deno.test("isolation process ends a task that spins with SIGKILL, and its CPU time with it", async () => {
  await using valet = await start({ isolation: "process", concurrency: 1 });
  const { api, process } = valet;
  await api.run("ok");
  // Not the spare one, whose start takes CPU time as well.
  const runners = childrenOf(process.pid);
  const killedId = await api.submit("spins", {}, { timeout: 600 });
  const nextId = await api.submit("ok");
  const runner = await waitForCpuMs(() => runners, 100);
  const killed = await api.waitForJob(killedId);
  assert.deepEqual([killed.status, killed.failure_reason], [
    "FAILED",
    "timed out after 600 milliseconds",
  ]);
  const next = await api.waitForJob(nextId);
  assert.equal(next.status, "COMPLETED");
  assert.equal(cpuMsOf(runner), undefined, "the process is still there");
  const gapMs = milliseconds(next.started_at) - milliseconds(killed.completed_at);
  reportMeasurement(`the job after a killed one started ${gapMs} ms after its end`);
  assert.ok(gapMs >= 0 && gapMs < 1_000, `${gapMs} ms`);
  const { workers } = await api.status();
  assert.deepEqual([workers.runaways, workers.quarantined_tasks], [0, []]);
});

for (const task of ["allocates", "grows_heap"]) {
  Deno.test(`isolation process ends ${task} at the memory limit`, async () => {
    await using valet = await start({ isolation: "process", concurrency: 1, max_memory_mb: 200 });
    const { api } = valet;
    const job = await api.run(task, { mb: 1_000 }, { timeout: 10_000 });
    assert.equal(job.status, "FAILED");
    assert.match(
      job.failure_reason!,
      /^used \d+ MB of memory; worker_pool\.max_memory_mb allows 200; handle the data in smaller/,
    );
    assert.equal((await api.run("ok")).status, "COMPLETED");
  });
}

for (const isolation of ["worker", "process"]) {
  Deno.test(`jobs behind a slow one run elsewhere, isolation ${isolation}`, async () => {
    await using valet = await start({ isolation, concurrency: 2, backlog: 200 });
    const { api } = valet;
    await Promise.all(Array.from({ length: 100 }, () => api.run("ok")));
    const quick: string[] = [];
    const submit = async (count: number) => {
      const ids = Array.from({ length: count }, () => api.submit("logs_once"));
      quick.push(...await Promise.all(ids));
    };
    const [slowId] = await Promise.all([api.submit("spins_for", { ms: 1_500 }), submit(100)]);
    const ends = await Promise.all(quick.map((id) => api.waitForJob(id)));
    assert.equal((await api.job(slowId)).status, "IN_PROGRESS", "they waited for the slow one");
    for (const end of ends) assert.equal(end.status, "COMPLETED", end.failure_reason ?? "");
    assert.equal((await api.waitForJob(slowId)).status, "COMPLETED");
    assertEachRanOnce(valet, quick);
  });

  Deno.test(`a killed worker takes no finished or waiting job along, isolation ${isolation}`, async () => {
    await using valet = await start({ isolation, concurrency: 1, backlog: 300 });
    const { api } = valet;
    await Promise.all(Array.from({ length: 100 }, () => api.run("ok")));
    const submits = Array.from(
      { length: 200 },
      (_, index) => index === 100 ? api.submit("spins", {}, { timeout }) : api.submit("logs_once"),
    );
    const ids = await Promise.all(submits);
    const ends = await Promise.all(ids.map((id) => api.waitForJob(id)));
    const failed = ends.filter(({ status }) => status !== "COMPLETED");
    assert.deepEqual(failed.map(({ failure_reason: why }) => why), [reason]);
    assertEachRanOnce(valet, ids.filter((id) => id !== failed[0]?.id));
  });

  Deno.test(`jobs_per_worker jobs share a worker, isolation ${isolation}`, async () => {
    const sizes = { concurrency: 4, jobs_per_worker: 4, max_workers: 1 };
    await using valet = await start({ isolation, ...sizes });
    const { api, process } = valet;
    await api.run("ok");
    const sleep = (ms: number) => api.submit("sleeps", { ms });
    const ids = await Promise.all([400, 400, 400, 400].map(sleep));
    const jobs = await Promise.all(ids.map((id) => api.waitForJob(id)));
    const lastStart = Math.max(...jobs.map((job) => milliseconds(job.started_at)));
    const firstEnd = Math.min(...jobs.map((job) => milliseconds(job.completed_at)));
    assert.ok(lastStart < firstEnd, "they did not run at the same time");
    assert.equal((await api.status()).workers.started, 1);

    const others = await Promise.all([1_000, 1_000, 1_000].map(sleep));
    const deafId = await api.submit("deaf", {}, { timeout });
    assert.equal((await api.waitForJob(deafId)).failure_reason, reason);
    for (const id of others) assert.equal((await api.waitForJob(id)).status, "COMPLETED");
    const returned = process.log.filter(({ message }) => message === "gave a job back");
    // On a busy machine more than once: while the next worker takes long to load, they must not wait for it.
    const returnedIds = new Set(returned.map((line) => line["job_id"]));
    assert.deepEqual([...returnedIds].sort(), others.sort());
  });
}

Deno.test("a server answers while two tasks spin", async () => {
  await using valet = await start({ isolation: "worker", concurrency: 2 });
  const { api } = valet;
  const ids = await Promise.all([1, 2].map(() => api.submit("spins_for", { ms: 2_500 })));
  const times: number[] = [];
  while (times.length < 50) {
    const startedAtMs = performance.now();
    assert.equal((await api.request("GET", "/health/live")).status, 200);
    times.push(performance.now() - startedAtMs);
  }
  times.sort((one, other) => one - other);
  const p95 = times[47]!;
  reportMeasurement(`GET /health/live p95 with two tasks spinning: ${p95.toFixed(1)} ms`);
  assert.ok(p95 < 1_000, `${p95} ms`);
  for (const id of ids) assert.equal((await api.waitForJob(id)).status, "COMPLETED");
});

/** The task logs a line each time it runs. */
function assertEachRanOnce({ process }: RunningValet, ids: readonly string[]): void {
  const runs = process.log.filter(({ component }) => component === "task")
    .map((line) => line["job_id"]);
  assert.deepEqual(runs.toSorted(), ids.toSorted());
}
