import assert from "node:assert/strict";
import type { Run } from "../../../../src/executor/host/run.ts";
import { makeRun, makeRuns } from "../../../testing/make_run.ts";
import { PoolProbe } from "../../../testing/pool_probe.ts";

/** A run of a task with a permission, so that it cannot share a worker with the others. */
function makeNetRun(): Run {
  // Nothing listens on port 1: the run fails at once, and that it could try is what counts.
  return makeRun("net_task", { host: "localhost", port: 1 });
}

Deno.test("Pool gives each task its permissions and no others", async () => {
  await using probe = new PoolProbe({ concurrency: 2 });
  const allowed = makeNetRun();
  const other = makeRun("net_task", { host: "example.com", port: 1 });
  const none = makeRun("connects", { host: "localhost", port: 1 });
  probe.pool.submit([allowed, other, none]);
  assert.match(await probe.failureOf(allowed), /refused/i);
  assert.equal(
    await probe.failureOf(other),
    'needs net access to "example.com:1"; declare permissions.net',
  );
  assert.equal(
    await probe.failureOf(none),
    'needs net access to "localhost:1"; declare permissions.net',
  );
});

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`Pool gives each task its own settings, frozen, and the limit, isolation ${isolation}`, async () => {
    const taskSettings = { context_echo: { color: "red" }, ok: { color: "blue" } };
    await using probe = new PoolProbe({ isolation, taskSettings });
    const [end] = await probe.run(makeRun("context_echo", { settings: { color: "black" } }));
    assert.ok(end !== undefined && "outcome" in end);
    const { settings, isFrozen, maxResultBytes } = JSON.parse(end.outcome.resultJson ?? "null");
    assert.deepEqual(settings, { color: "red" });
    assert.deepEqual([isFrozen, maxResultBytes], [true, 100_000]);
  });
}

Deno.test("Pool gives a task without settings none", async () => {
  await using probe = new PoolProbe();
  const [end] = await probe.run(makeRun("context_echo"));
  assert.ok(end !== undefined && "outcome" in end);
  assert.deepEqual(JSON.parse(end.outcome.resultJson ?? "null").settings, {});
});

Deno.test("Pool lets an idle worker of another group make room", async () => {
  await using probe = new PoolProbe({ maxWorkers: 1 });
  await probe.run(makeRun("ok"));
  await probe.run(makeNetRun());
  await probe.run(makeRun("ok"));
  const { started, lost } = probe.pool.stats();
  assert.deepEqual({ started, lost }, { started: 3, lost: 0 });
});

Deno.test("Pool keeps the workers of a group while another one has its own", async () => {
  await using probe = new PoolProbe({ concurrency: 2 });
  await probe.run(makeRun("ok"));
  for (let round = 0; round < 5; round++) await probe.run(makeRun("ok"), makeNetRun());
  assert.equal(probe.pool.stats().started, 2);
});

Deno.test("Pool lets no group starve behind another that always has runs", async () => {
  await using probe = new PoolProbe({ backlog: 64, maxWorkers: 1 });
  await probe.run(...makeRuns("ok", 300));
  let isServed = false;
  const net = makeNetRun();
  void probe.endsOf([net]).then(() => isServed = true);
  probe.pool.submit([...makeRuns("ok", 60), net]);
  for (let rounds = 0; !isServed; rounds++) {
    assert.ok(rounds < 2_000, "the run of the other group never had its turn");
    await probe.run(...makeRuns("ok", 20));
  }
});

Deno.test("Pool runs two groups to their ends with one worker, while runs of both keep coming", async () => {
  await using probe = new PoolProbe({ maxWorkers: 1 });
  const runs: Run[] = [];
  // Faster than a worker starts: one that is not ready yet must not be given up for the other group.
  while (runs.length < 4_000 && probe.ends.length < 4) {
    const pair = [makeRun("ok"), makeNetRun()];
    runs.push(...pair);
    probe.pool.submit(pair);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.ok(probe.ends.length >= 4, `${probe.ends.length} runs ended in the time of 2,000 pairs`);
  for (const run of runs) probe.pool.abort(run.job.id, "enough");
  await probe.endsOf(runs);
});

Deno.test("Pool goes on with a worker that was to make room for a run that was aborted", async () => {
  await using probe = new PoolProbe({ maxWorkers: 1 });
  const [running, next] = [makeRun("waits_for_signal"), makeRun("ok")];
  const net = makeNetRun();
  await probe.start(running);
  probe.pool.submit([net]);
  probe.pool.abort(net.job.id, "the job was deleted");
  assert.equal(await probe.wasStarted(net), false);
  probe.pool.submit([next]);
  probe.pool.abort(running.job.id, "the job was deleted");
  await probe.endsOf([running]);
  assert.equal((await probe.outcomeOf(next)).status, "COMPLETED");
});

Deno.test("Pool lets no group starve behind a task whose every run is killed", async () => {
  await using probe = new PoolProbe({ isolation: "process", killGraceMs: 50, backlog: 8 });
  const deaf = () => makeRun("deaf", {}, { timeoutMs: 200 });
  await probe.run(makeRun("ok"), makeNetRun());
  const [first, net, ...others] = [deaf(), makeNetRun(), deaf(), deaf()] as const;
  probe.pool.submit([first, net, ...others]);
  await probe.endsOf([first, net, ...others]);
  assert.deepEqual(probe.ends.slice(2).map(({ run }) => run), [first, net, ...others]);
});
