// Mixes of tasks with different permissions: who runs when, and which workers are started for it.

import assert from "node:assert/strict";
import type { Run } from "../../../../src/executor/host/run.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { type MixedPool, withMixedPool } from "../../../testing/mixed_tasks.ts";
import { flushLogs } from "../../../../src/log/log.ts";

/** Runs so many runs of each task in turns, as many at a time as there is room for. */
async function runMix(
  { makeRun, probe }: MixedPool,
  setCount: number,
  runCount: number,
  ms: number,
): Promise<void> {
  const runs = Array.from({ length: runCount }, (_, place) => makeRun(place % setCount, ms));
  for (let from = 0; from < runs.length;) {
    const next = runs.slice(from, from + probe.pool.room());
    probe.pool.submit(next);
    from += next.length;
    if (next.length === 0) await probe.nextEnds();
  }
  for (const end of await probe.endsOf(runs)) {
    assert.ok("outcome" in end && end.outcome.status === "COMPLETED");
  }
}

for (const [setCount, ms] of [[3, 10], [3, 0], [12, 0]] as const) {
  Deno.test(`Pool starts no worker for a mix of ${setCount} sets once it has one for each, tasks of ${ms} ms`, async () => {
    const sizes = { concurrency: 2, backlog: 4, maxWorkers: setCount + 2 };
    await withMixedPool(setCount, sizes, async (mixed) => {
      const { pool } = mixed.probe;
      while (pool.warmUp());
      await runMix(mixed, setCount, setCount * 10, ms);
      await runMix(mixed, setCount, ms === 0 ? 6_000 : 120, ms);
      const { lost, started } = pool.stats();
      // Two sets may have got another one: no worker had to make room for that.
      assert.ok(started <= setCount + 2, `${started} workers were started`);
      assert.equal(lost, 0);
    });
  });
}

Deno.test("Pool bounds the runs of all sets by concurrency, not the workers", async () => {
  await withMixedPool(3, { concurrency: 2, backlog: 4 }, async ({ makeRun, probe }) => {
    while (probe.pool.warmUp());
    const [one, two, three] = [0, 1, 2].map((task) => makeRun(task)) as [Run, Run, Run];
    await probe.start(one);
    await probe.start(two);
    probe.pool.submit([three]);
    const { busy, idle, started } = probe.pool.stats();
    assert.deepEqual({ busy, idle, started }, { busy: 2, idle: 0, started: 3 });
    await using logs = new CapturedLogs();
    probe.pool.abort(one.job.id, "enough");
    await logs.waitFor({ message: "waiting", job_id: three.job.id });
    assert.equal(probe.endOf(two), undefined);
    for (const run of [two, three]) probe.pool.abort(run.job.id, "enough");
    await probe.endsOf([one, two, three]);
  });
});

Deno.test("Pool serves more sets than there may be workers, and says once why workers are started so often", async () => {
  await using logs = new CapturedLogs();
  const sizes = { concurrency: 1, backlog: 4, maxWorkers: 1 };
  await withMixedPool(3, sizes, async (mixed) => {
    await runMix(mixed, 3, 24, 10);
    const { lost, started } = mixed.probe.pool.stats();
    assert.ok(started > 3 && started < 24, `${started} workers were started for 24 runs`);
    assert.equal(lost, 0);
    for (let round = 0; round < 7; round++) await runMix(mixed, 3, 3, 0);
  });
  await flushLogs();
  const warnings = logs.lines.filter(({ level }) => level === "warn");
  assert.equal(warnings.length, 1, JSON.stringify(warnings));
  assert.match(String(warnings[0]?.message), /worker_pool\.max_workers is too small/);
});

Deno.test("Pool ends the worker that has been idle longest to make room for one of another set", async () => {
  await withMixedPool(3, { concurrency: 1, maxWorkers: 2 }, async ({ makeRun, probe }) => {
    for (const task of [0, 1, 0, 2, 0]) await probe.run(makeRun(task, 0));
    assert.equal(probe.pool.stats().started, 3, "the worker of task 0 was ended");
  });
});

Deno.test("Pool keeps averages for each task: quick runs are sent ahead, whatever slow ones there are", async () => {
  await withMixedPool(1, { concurrency: 1, backlog: 64 }, async ({ makeRun, probe }) => {
    await probe.run(...Array.from({ length: 100 }, () => makeRun(0, 0)));
    const before = probe.pool.room();
    assert.ok(before > 64 + 1, `room for ${before} runs`);
  });
});

Deno.test("Pool gives back what waits behind slow runs, and takes no more than it can start", async () => {
  await withMixedPool(2, { concurrency: 1, backlog: 4 }, async ({ makeRun, probe }) => {
    const slow = makeRun(0);
    await probe.start(slow);
    assert.equal(probe.pool.room(), 4, "nobody knows yet that it is slow");
    const others = [0, 1, 0, 1].map((task) => makeRun(task, 0));
    probe.pool.submit(others);
    await probe.untilReturned(4);
    assert.deepEqual(probe.returned, others);
    assert.deepEqual([probe.pool.room(), probe.pool.stats().waiting], [0, 0]);
    probe.pool.abort(slow.job.id, "enough");
    await probe.endsOf([slow, ...others]);
    assert.equal(probe.returnCount, 4, "they came back again");
  });
});

Deno.test("Pool holds no more than it should start soon by the averages of the tasks", async () => {
  await withMixedPool(1, { concurrency: 1, backlog: 10 }, async ({ makeRun, probe }) => {
    await probe.run(makeRun(0, 120));
    const run = makeRun(0, 120);
    probe.pool.submit([run]);
    assert.equal(probe.pool.room(), 0);
    await probe.endsOf([run]);
    assert.equal(probe.pool.room(), 1);
  });
});
