import assert from "node:assert/strict";
import { makeRun, makeRuns } from "../../../testing/make_run.ts";
import { PoolProbe } from "../../../testing/pool_probe.ts";
import { waitUntilGone } from "../../../testing/process_facts.ts";

const long = 30_000;

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`Pool.stop lets a running run finish and gives the others back, isolation ${isolation}`, async () => {
    await using probe = new PoolProbe({ isolation, backlog: 64 });
    await probe.run(...makeRuns("ok", 300));
    const first = makeRun("waits_for_signal", {}, { timeoutMs: 500 });
    const others = makeRuns("ok", 100);
    await probe.start(first);
    probe.pool.submit(others);
    const startedAtMs = Date.now();
    await probe.pool.stop(long);
    assert.ok(Date.now() - startedAtMs < long / 2, "it waited for the end of the grace");
    assert.equal(await probe.failureOf(first), "timed out after 500 milliseconds");
    for (const run of others) assert.equal(await probe.wasStarted(run), false);
    const { busy, idle, waiting } = probe.pool.stats();
    assert.deepEqual({ busy, idle, waiting }, { busy: 0, idle: 1, waiting: 0 });
    await waitUntilGone(probe.runners());
  });

  Deno.test(`Pool.stop aborts what outlasts the grace and gives it back, isolation ${isolation}`, async () => {
    await using probe = new PoolProbe({ isolation, concurrency: 3, killGraceMs: 200 });
    const runs = ["waits_for_signal", "hangs", "deaf"].map((name) => makeRun(name));
    for (const run of runs) await probe.start(run);
    await probe.pool.stop(50);
    for (const run of runs) assert.equal(await probe.wasStarted(run), true);
    assert.equal(probe.pool.stats().busy, 0);
  });
}

Deno.test("Pool.stop keeps the outcome of a run that finished before it heard of the stop", async () => {
  for (let tries = 0;; tries++) {
    assert.ok(tries < 20, "the run never started before the stop");
    await using probe = new PoolProbe({ killGraceMs: 10_000 });
    await probe.run(makeRun("ok"));
    // Deaf to the abort while it spins; then it returns, and running it again would be for nothing.
    const run = makeRun("spins_for", { ms: 200 });
    probe.pool.submit([run]);
    await new Promise((resolve) => setTimeout(resolve, tries));
    await probe.pool.stop(50);
    const end = probe.endOf(run);
    if (end !== undefined && "wasStarted" in end && !end.wasStarted) continue;
    assert.equal((await probe.outcomeOf(run)).resultJson, '"spun"');
    return;
  }
});

Deno.test("Pool.stop gives back what was sent to a worker that has not started yet", async () => {
  for (const isolation of ["worker", "process"] as const) {
    await using probe = new PoolProbe({ isolation, concurrency: 2 });
    const runs = makeRuns("ok", 5);
    probe.pool.submit(runs);
    await probe.pool.stop(long);
    for (const end of await probe.endsOf(runs)) {
      if ("outcome" in end) assert.equal(end.outcome.status, "COMPLETED");
      else assert.equal(end.wasStarted, false);
    }
  }
});

Deno.test("Pool.stop tells of every run, also where a worker crashes meanwhile", async () => {
  await using probe = new PoolProbe({ isolation: "process", backlog: 64 });
  await probe.run(...makeRuns("ok", 300));
  const runs = [makeRun("spins"), ...makeRuns("ok", 30)];
  probe.pool.submit(runs);
  const [runner] = probe.runners();
  // The answer of the runner, which runs are not started, may or may not come before its death.
  const stopped = probe.pool.stop(long);
  Deno.kill(runner!, "SIGKILL");
  await stopped;
  const ends = await probe.endsOf(runs);
  for (const end of ends.slice(1)) assert.ok("wasStarted" in end);
});

Deno.test("Pool.stop ends the worker of an idle pool, a fresh one and one that was never used", async () => {
  for (let round = 0; round < 3; round++) {
    for (const isolation of ["worker", "process"] as const) {
      const [used, fresh, unused] = [1, 2, 3].map(() => new PoolProbe({ isolation }));
      await used!.run(makeRun("ok"));
      fresh!.pool.warmUp();
      for (const probe of [used!, fresh!, unused!]) await probe.pool.stop(long);
      await waitUntilGone([used!, fresh!, unused!].flatMap((probe) => probe.runners()));
    }
  }
});

Deno.test("Pool.stop takes nothing more: runs submitted later do not start", async () => {
  const probe = new PoolProbe();
  await probe.pool.stop(0);
  const { started } = probe.pool.stats();
  probe.pool.submit(makeRuns("ok", 2));
  assert.equal(probe.pool.stats().started, started);
});
