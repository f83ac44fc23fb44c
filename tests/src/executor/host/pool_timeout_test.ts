import assert from "node:assert/strict";
import { makeRun, makeRuns } from "../../../testing/make_run.ts";
import { PoolProbe } from "../../../testing/pool_probe.ts";
import { waitUntilGone } from "../../../testing/process_facts.ts";

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`Pool fails a run that heeds its signal at its timeout, isolation ${isolation}`, async () => {
    await using probe = new PoolProbe({ isolation });
    const run = makeRun("waits_for_signal", {}, { timeoutMs: 100 });
    const next = makeRun("ok");
    probe.pool.submit([run, next]);
    assert.equal(await probe.failureOf(run), "timed out after 100 milliseconds");
    const { durationMs } = await probe.outcomeOf(run);
    assert.ok(durationMs >= 99, `it ran for ${durationMs} ms`);
    assert.equal((await probe.outcomeOf(next)).status, "COMPLETED");
    const { lost, runaways } = probe.pool.stats();
    assert.deepEqual({ lost, runaways }, { lost: 0, runaways: 0 });
  });

  Deno.test(`Pool fails a run at its timeout, whatever one did before it, isolation ${isolation}`, async () => {
    await using probe = new PoolProbe({ isolation });
    const run = makeRun("waits_for_signal", {}, { timeoutMs: 100 });
    probe.pool.submit([makeRun("takes_methods"), run]);
    assert.equal(await probe.failureOf(run), "timed out after 100 milliseconds");
    const { lost, runaways } = probe.pool.stats();
    assert.deepEqual({ lost, runaways }, { lost: 0, runaways: 0 });
  });

  for (const taskName of ["leaves_microtask_loop", "leaves_spinning_timer"]) {
    Deno.test(`Pool goes on after a task that keeps its worker busy: ${taskName}, isolation ${isolation}`, async () => {
      await using probe = new PoolProbe({ isolation, killGraceMs: 200 });
      const run = makeRun(taskName);
      await probe.run(run);
      assert.equal((await probe.outcomeOf(run)).resultJson, '"returned"');
      while (probe.pool.stats().lost === 0) {
        // Shorter than it takes to see that the worker is stuck: what has not run has not run too long.
        const short = makeRun("ok", {}, { timeoutMs: 700 });
        const next = makeRun("ok", {}, { timeoutMs: 60_000 });
        await probe.run(short, next);
        for (const one of [short, next]) {
          assert.equal((await probe.outcomeOf(one)).status, "COMPLETED");
        }
      }
      const { lost, runaways, quarantinedTasks } = probe.pool.stats();
      const burning = isolation === "worker" ? 1 : 0;
      // Whichever ended last: who of them left it behind nobody can tell.
      assert.deepEqual([lost, runaways, quarantinedTasks.length], [1, burning, burning]);
    });
  }

  for (const taskName of ["deaf", "hangs"]) {
    Deno.test(`Pool replaces a worker whose run ignores its timeout: ${taskName}, isolation ${isolation}`, async () => {
      await using probe = new PoolProbe({ isolation, killGraceMs: 1_500 });
      const run = makeRun(taskName, {}, { timeoutMs: 100 });
      const next = makeRun(taskName === "deaf" ? "ok" : "no_result");
      probe.pool.submit([run, next]);
      assert.equal(await probe.failureOf(run), "timed out after 100 milliseconds");
      assert.equal((await probe.outcomeOf(next)).status, "COMPLETED");
      const { lost, runaways, quarantinedTasks } = probe.pool.stats();
      assert.deepEqual({ lost, runaways, quarantinedTasks }, {
        lost: 1,
        runaways: 0,
        quarantinedTasks: [],
      });
    });
  }
}

Deno.test("Pool counts and quarantines a task that never yields, and goes on without its worker", async () => {
  await using probe = new PoolProbe({ killGraceMs: 100, maxRunaways: 1 });
  // Ends by itself: a thread that spins for ever would burn until the tests end.
  const first = makeRun("spins_for", { ms: 2_500 }, { timeoutMs: 100 });
  const next = makeRun("ok");
  probe.pool.submit([first, next]);
  assert.equal(await probe.failureOf(first), "timed out after 100 milliseconds");
  assert.equal((await probe.outcomeOf(next)).status, "COMPLETED");
  let stats = probe.pool.stats();
  assert.deepEqual([stats.runaways, stats.lost, stats.quarantinedTasks], [1, 1, ["spins_for"]]);
  assert.deepEqual(probe.runners(), []);

  // From now on the task has a process of its own, which can be killed.
  const second = makeRun("spins_for", { ms: 60_000 }, { timeoutMs: 100 });
  assert.equal((await probe.run(second)).length, 1);
  assert.equal(await probe.failureOf(second), "timed out after 100 milliseconds");
  stats = probe.pool.stats();
  assert.deepEqual([stats.runaways, stats.lost], [1, 2]);
  const third = makeRun("spins_for", { ms: 1 });
  assert.equal((await probe.run(third)).length, 1);
  assert.equal((await probe.outcomeOf(third)).resultJson, '"spun"');
  assert.equal(probe.exhaustedCount, 0);
});

Deno.test("Pool counts a thread that spins once it has heard that it must stop", async () => {
  await using probe = new PoolProbe({ killGraceMs: 500 });
  const run = makeRun("spins_once_aborted", {}, { timeoutMs: 100 });
  await probe.run(run);
  assert.equal(await probe.failureOf(run), "timed out after 100 milliseconds");
  const { runaways, quarantinedTasks } = probe.pool.stats();
  assert.deepEqual([runaways, quarantinedTasks], [1, ["spins_once_aborted"]]);
});

Deno.test("Pool kills a runner process whose run never yields", async () => {
  await using probe = new PoolProbe({ isolation: "process", killGraceMs: 100 });
  probe.pool.warmUp();
  const runners = probe.runners();
  assert.equal(runners.length, 1);
  const run = makeRun("spins", {}, { timeoutMs: 100 });
  const next = makeRun("ok");
  probe.pool.submit([run, next]);
  assert.equal(await probe.failureOf(run), "timed out after 100 milliseconds");
  await waitUntilGone(runners);
  assert.equal((await probe.outcomeOf(next)).status, "COMPLETED");
  const { lost, runaways, quarantinedTasks } = probe.pool.stats();
  assert.deepEqual({ lost, runaways, quarantinedTasks }, {
    lost: 1,
    runaways: 0,
    quarantinedTasks: [],
  });
});

Deno.test("Pool tells once more than maxRunaways threads burn", async () => {
  await using probe = new PoolProbe({ killGraceMs: 50, maxRunaways: 0 });
  await probe.run(makeRun("spins_for", { ms: 1_500 }, { timeoutMs: 50 }));
  assert.equal(probe.exhaustedCount, 1);
});

Deno.test("Pool lets what finished before a runaway stand, and what came after it run once", async () => {
  await using probe = new PoolProbe({ killGraceMs: 50, backlog: 64 });
  await probe.run(...makeRuns("ok", 300));
  const before = makeRuns("ok", 20);
  const runaway = makeRun("spins_for", { ms: 1_500 }, { timeoutMs: 50 });
  const after = makeRuns("ok", 20);
  const ends = await probe.run(...before, runaway, ...after);
  for (const end of ends) {
    assert.ok("outcome" in end);
    assert.equal(end.outcome.status, end.run === runaway ? "FAILED" : "COMPLETED");
  }
  assert.equal(probe.ends.length, 300 + 41);
});

Deno.test("Pool gives a run its whole time, however long its worker takes to start", async () => {
  await using probe = new PoolProbe({ isolation: "process", killGraceMs: 10 });
  // The runner process takes longer to start than the run may take.
  assert.equal((await probe.run(makeRun("ok", {}, { timeoutMs: 20 }))).length, 1);
  assert.ok("outcome" in probe.ends[0]! && probe.ends[0].outcome.status === "COMPLETED");
});

Deno.test("Pool times out each of the runs that share a worker on its own", async () => {
  await using probe = new PoolProbe({ concurrency: 3, jobsPerWorker: 3 });
  const [one, two] = [100, 150].map((timeoutMs) => makeRun("waits_for_signal", {}, { timeoutMs }));
  const three = makeRun("sleeps", { ms: 300 });
  probe.pool.submit([one!, two!, three]);
  assert.equal(await probe.failureOf(one!), "timed out after 100 milliseconds");
  assert.equal(await probe.failureOf(two!), "timed out after 150 milliseconds");
  assert.equal((await probe.outcomeOf(three)).resultJson, '"slept"');
  assert.equal(probe.pool.stats().lost, 0);
});

Deno.test("Pool gives back the runs that shared the worker of an overdue one", async () => {
  await using probe = new PoolProbe({ concurrency: 2, jobsPerWorker: 2, killGraceMs: 50 });
  const overdue = makeRun("hangs", {}, { timeoutMs: 100 });
  const other = makeRun("waits_for_signal");
  probe.pool.submit([overdue, other]);
  assert.equal(await probe.failureOf(overdue), "timed out after 100 milliseconds");
  assert.equal(await probe.wasStarted(other), true);
});
