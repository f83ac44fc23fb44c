import assert from "node:assert/strict";
import { makeRun, makeRuns } from "../../../testing/make_run.ts";
import { PoolProbe } from "../../../testing/pool_probe.ts";

const reason = "the job was deleted";

Deno.test("Pool.abort gives back a run that waits, and its task is never called", async () => {
  await using probe = new PoolProbe();
  const running = makeRun("waits_for_signal");
  const waiting = makeRun("ok");
  await probe.start(running);
  probe.pool.submit([waiting]);
  probe.pool.abort(waiting.job.id, reason);
  assert.equal(await probe.wasStarted(waiting), false);
  assert.equal(probe.endOf(running), undefined);
  probe.pool.abort(running.job.id, reason);
  assert.equal(await probe.failureOf(running), reason);
});

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`Pool.abort aborts the signal of a run, isolation ${isolation}`, async () => {
    await using probe = new PoolProbe({ isolation });
    const run = makeRun("waits_for_signal");
    await probe.start(run);
    probe.pool.abort(run.job.id, reason);
    probe.pool.abort(run.job.id, "a second reason");
    assert.equal(await probe.failureOf(run), reason);
    assert.equal((await probe.run(makeRun("ok"))).length, 1);
    assert.equal(probe.pool.stats().lost, 0);
  });

  Deno.test(`Pool.abort gives back a run whose worker is still starting, isolation ${isolation}`, async () => {
    await using probe = new PoolProbe({ isolation, killGraceMs: 1 });
    const runs = [makeRun("ok"), makeRun("ok")];
    probe.pool.submit(runs);
    probe.pool.abort(runs[0]!.job.id, reason);
    assert.equal(await probe.wasStarted(runs[0]!), false);
    assert.equal((await probe.outcomeOf(runs[1]!)).status, "COMPLETED");
    assert.equal(probe.pool.stats().lost, 0);
  });

  Deno.test(`Pool.abort gives back a run that was handed ahead, isolation ${isolation}`, async () => {
    await using probe = new PoolProbe({ isolation, backlog: 64 });
    await probe.run(...makeRuns("ok", 300));
    const slow = makeRun("sleeps", { ms: 150 });
    const ahead = makeRun("waits_for_signal");
    const last = makeRun("ok");
    probe.pool.submit([slow, ahead, last]);
    probe.pool.abort(ahead.job.id, reason);
    assert.equal(await probe.wasStarted(ahead), false);
    assert.equal((await probe.outcomeOf(slow)).resultJson, '"slept"');
    assert.equal((await probe.outcomeOf(last)).status, "COMPLETED");
  });

  Deno.test(`Pool.abort reaches a run that starts just then, isolation ${isolation}`, async () => {
    await using probe = new PoolProbe({ isolation, backlog: 64 });
    await probe.run(...makeRuns("ok", 300));
    for (let ms = 0; ms < 6; ms += 0.5) {
      // Behind a run that ends before the pool takes back what waits behind it.
      const ahead = makeRun("waits_for_signal");
      probe.pool.submit([makeRun("sleeps", { ms }), ahead]);
      probe.pool.abort(ahead.job.id, reason);
      const [end] = await probe.endsOf([ahead]);
      if ("outcome" in end!) assert.equal(end.outcome.failureReason, reason);
      await probe.run(...makeRuns("ok", 50));
    }
  });
}

Deno.test("Pool.abort ends a run that ignores its signal once the grace is over", async () => {
  await using probe = new PoolProbe({ killGraceMs: 1_500 });
  const run = makeRun("hangs");
  const next = makeRun("ok");
  await probe.start(run);
  probe.pool.submit([next]);
  probe.pool.abort(run.job.id, reason);
  assert.equal(await probe.failureOf(run), reason);
  assert.equal((await probe.outcomeOf(next)).status, "COMPLETED");
  const { lost, runaways } = probe.pool.stats();
  assert.deepEqual({ lost, runaways }, { lost: 1, runaways: 0 });
});

Deno.test("Pool.abort does nothing for a job that the pool does not have", async () => {
  await using probe = new PoolProbe();
  const run = makeRun("ok");
  probe.pool.abort(run.job.id, reason);
  await probe.run(run);
  probe.pool.abort(run.job.id, reason);
  assert.equal((await probe.outcomeOf(run)).status, "COMPLETED");
  assert.equal(probe.ends.length, 1);
});

Deno.test("Pool ends no worker for what it had no time to read", async () => {
  await using probe = new PoolProbe({ killGraceMs: 200 });
  const run = makeRun("waits_for_signal");
  await probe.start(run);
  probe.pool.abort(run.job.id, "enough");
  // Once the worker has given back what it had not started.
  await Promise.resolve();
  const heldUntilMs = performance.now() + 1_500;
  while (performance.now() < heldUntilMs);
  assert.equal(await probe.failureOf(run), "enough");
  assert.equal(probe.pool.stats().lost, 0);
});
