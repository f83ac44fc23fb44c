import assert from "node:assert/strict";
import type { RunEnd } from "../../../../src/executor/host/pool_options.ts";
import type { Run } from "../../../../src/executor/host/run.ts";
import { makeRun, makeRuns, tasksOf } from "../../../testing/make_run.ts";
import { PoolProbe } from "../../../testing/pool_probe.ts";

function startedAt(end: RunEnd | undefined): number {
  assert.ok(end !== undefined && "outcome" in end);
  return end.outcome.startedAtMs;
}

/** Lets the pool learn that runs are short, so that it hands them ahead. */
async function openWindow(probe: PoolProbe): Promise<void> {
  await probe.run(...makeRuns("ok", 300));
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`Pool runs each run once, first in, first out, isolation ${isolation}`, async () => {
    await using probe = new PoolProbe({ isolation });
    const runs = makeRuns("ok", 2_000);
    for (let from = 0; from < runs.length;) {
      const next = runs.slice(from, from + probe.pool.room());
      probe.pool.submit(next);
      from += next.length;
      if (next.length === 0) await probe.endsOf(runs.slice(from - 1, from));
    }
    await probe.endsOf(runs);
    assert.equal(probe.ends.length, runs.length);
    // On a busy machine the pool gives runs back, which then come after later ones.
    const isKept = (run: Run) => !probe.everReturned.has(run);
    const kept = probe.ends.map(({ run }) => run).filter(isKept);
    assert.deepEqual(kept.map(({ job }) => job.id), runs.filter(isKept).map(({ job }) => job.id));
    for (const [place, run] of runs.entries()) {
      const end = probe.endOf(run);
      assert.ok(end !== undefined && "outcome" in end);
      assert.equal(end.outcome.resultJson, `{"place":${place}}`);
    }
    assert.deepEqual(
      { ...probe.pool.stats(), started: 0 },
      {
        busy: 0,
        idle: 1,
        waiting: 0,
        started: 0,
        lost: 0,
        runaways: 0,
        quarantinedTasks: [],
        unloadableTasks: [],
      },
    );
  });
}

Deno.test("Pool tells when a task started and how long it took, not how long it waited", async () => {
  await using probe = new PoolProbe();
  const beforeMs = Date.now();
  const [first, second] = [makeRun("sleeps", { ms: 500 }), makeRun("ok")];
  const [one, two] = await probe.run(first, second);
  assert.ok(one !== undefined && "outcome" in one && two !== undefined && "outcome" in two);
  assert.ok(one.outcome.startedAtMs >= beforeMs);
  assert.ok(one.outcome.durationMs >= 495);
  assert.ok(two.outcome.startedAtMs >= one.outcome.startedAtMs + 495);
  assert.ok(two.outcome.durationMs < 495, `the second run took ${two.outcome.durationMs} ms`);
});

Deno.test("Pool.room is backlog and a run for each slot, less what the pool holds", async () => {
  await using probe = new PoolProbe({ concurrency: 2, backlog: 3 });
  const { pool } = probe;
  assert.equal(pool.room(), 5);
  const runs = Array.from({ length: 7 }, () => makeRun("waits_for_signal"));
  await probe.start(runs[0]!);
  await probe.start(runs[1]!);
  pool.submit(runs.slice(2, 4));
  assert.equal(pool.room(), 1);
  assert.deepEqual([pool.stats().busy, pool.stats().idle, pool.stats().waiting], [2, 0, 2]);
  pool.submit(runs.slice(4));
  assert.equal(pool.room(), 0, "never below 0");
  for (const run of runs) pool.abort(run.job.id, "no more");
  await probe.endsOf(runs);
  assert.ok(pool.room() >= 2, "less than what could start at once");
});

Deno.test("Pool runs many short runs on several slots, each exactly once", async () => {
  await using probe = new PoolProbe({ concurrency: 3, backlog: 64 });
  const runs = makeRuns("ok", 2_000);
  const rest = [...runs];
  while (rest.length > 0) {
    const room = probe.pool.room();
    if (room > 0) probe.pool.submit(rest.splice(0, room));
    else await probe.endsOf([runs[runs.length - rest.length - 1] as Run]);
  }
  const ends = await probe.endsOf(runs);
  assert.equal(probe.ends.length, runs.length);
  for (const [place, end] of ends.entries()) {
    assert.ok("outcome" in end);
    assert.equal(end.outcome.resultJson, `{"place":${place}}`);
  }
});

Deno.test("Pool mixes short and blocking runs, and each runs exactly once", async () => {
  await using probe = new PoolProbe({ concurrency: 2, backlog: 64 });
  await openWindow(probe);
  const runs = Array.from(
    { length: 400 },
    (_, place) => place % 40 === 7 ? makeRun("spins_for", { ms: 12 }) : makeRun("ok", { place }),
  );
  const ends = await probe.run(...runs);
  for (const end of ends) assert.ok("outcome" in end && end.outcome.status === "COMPLETED");
  assert.equal(probe.ends.length, 300 + runs.length);
  assert.equal(probe.pool.stats().lost, 0);
});

for (const slow of ["sleeps", "spins_for"]) {
  Deno.test(`Pool takes back what waits behind ${slow} and runs it on an idle slot`, async () => {
    await using probe = new PoolProbe({ concurrency: 2, backlog: 64 });
    await openWindow(probe);
    const slowRun = makeRun(slow, { ms: 1_500 });
    const others = makeRuns("ok", 60);
    probe.pool.submit([slowRun, ...others]);
    await probe.endsOf(others);
    assert.equal(probe.endOf(slowRun), undefined, "the others waited for the slow run");
    assert.equal((await probe.outcomeOf(slowRun)).status, "COMPLETED");
    assert.equal(probe.pool.stats().lost, 0);
  });
}

Deno.test("Pool keeps the order of runs that it took back and sends again", async () => {
  await using probe = new PoolProbe({ backlog: 64 });
  await openWindow(probe);
  const runs = [makeRun("spins_for", { ms: 50 }), ...makeRuns("ok", 40)];
  const ends = await probe.run(...runs);
  const isKept = (run: Run) => !probe.everReturned.has(run);
  const kept = probe.ends.map(({ run }) => run).slice(-41).filter(isKept);
  assert.deepEqual(kept.map(({ job }) => job.id), runs.filter(isKept).map(({ job }) => job.id));
  const starts = ends.filter(({ run }) => isKept(run)).map(startedAt);
  assert.deepEqual(starts, starts.toSorted((one, other) => one - other));
});

Deno.test("Pool does not send runs ahead again and again behind a run that takes its time", async () => {
  await using probe = new PoolProbe({ backlog: 64 });
  await openWindow(probe);
  const { postMessage } = Worker.prototype;
  let sentBytes = 0;
  Worker.prototype.postMessage = function (this: Worker, message: unknown, ...rest: unknown[]) {
    sentBytes += String(message).length;
    return postMessage.apply(this, [message, ...rest] as Parameters<typeof postMessage>);
  } as typeof postMessage;
  try {
    await probe.run(makeRun("spins_for", { ms: 1_000 }), ...makeRuns("ok", 60));
  } finally {
    Worker.prototype.postMessage = postMessage;
  }
  // Each of the 61 runs takes about 250 bytes: once when sent, once more when sent again.
  assert.ok(sentBytes < 150_000, `the worker was sent ${sentBytes} bytes`);
});

Deno.test("Pool runs jobs_per_worker runs at once in one worker", async () => {
  await using probe = new PoolProbe({ concurrency: 4, jobsPerWorker: 4 });
  const { pool } = probe;
  const waiting = Array.from({ length: 3 }, () => makeRun("waits_for_signal"));
  pool.submit(waiting);
  assert.equal((await probe.run(makeRun("ok"))).length, 1, "the fourth place");
  assert.equal(pool.stats().started, 1);
  assert.deepEqual([pool.stats().busy, pool.stats().idle], [3, 1]);
  for (const run of waiting) pool.abort(run.job.id, "enough");
  for (const run of waiting) assert.equal(await probe.failureOf(run), "enough");
});

Deno.test("Pool opens as many workers as the concurrency needs when jobs share them", async () => {
  await using probe = new PoolProbe({ concurrency: 6, jobsPerWorker: 4 });
  const runs = Array.from({ length: 6 }, () => makeRun("waits_for_signal"));
  for (const run of runs) await probe.start(run);
  assert.equal(probe.pool.stats().started, 2);
  assert.equal(probe.pool.stats().busy, 6);
  for (const run of runs) probe.pool.abort(run.job.id, "enough");
  await probe.endsOf(runs);
});

Deno.test("Pool.warmUp starts one worker after the other, one for each set of permissions", async () => {
  await using probe = new PoolProbe({ tasks: tasksOf("ok", "no_result", "net_task") });
  assert.deepEqual([1, 2, 3].map(() => probe.pool.warmUp()), [true, true, false]);
  await probe.run(makeRun("ok"), makeRun("net_task", { host: "localhost", port: 1 }));
  assert.equal(probe.pool.stats().started, 2);
});

Deno.test("Pool.warmUp starts no more workers than there may be", async () => {
  await using probe = new PoolProbe({ tasks: tasksOf("ok", "net_task"), maxWorkers: 1 });
  assert.deepEqual([1, 2].map(() => probe.pool.warmUp()), [true, false]);
  assert.equal(probe.pool.stats().started, 1);
});

Deno.test("Pool fails a run whose params do not fit, with the paths", async () => {
  await using probe = new PoolProbe();
  const [end] = await probe.run(
    makeRun("with_schema", { count: 0, nested: { name: "" }, unit: 1 }),
  );
  assert.ok(end !== undefined && "outcome" in end);
  assert.match(
    end.outcome.failureReason!,
    /^the params do not fit the task: task_params\.count .*; task_params\.unit /,
  );
});
