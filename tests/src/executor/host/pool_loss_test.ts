import assert from "node:assert/strict";
import { makeRun, makeRuns } from "../../../testing/make_run.ts";
import { eventually } from "../../../testing/eventually.ts";
import { PoolProbe } from "../../../testing/pool_probe.ts";
import { waitUntilGone } from "../../../testing/process_facts.ts";

const brokenWorkerUrl = new URL("../../../fixtures/broken_worker_entry.ts", import.meta.url);

Deno.test("Pool fails the run of a runner that was killed, and runs the ones behind it", async () => {
  await using probe = new PoolProbe({ isolation: "process", backlog: 64 });
  await probe.run(...makeRuns("ok", 300));
  const running = makeRun("hangs");
  const others = makeRuns("ok", 30);
  await probe.start(running);
  probe.pool.submit(others);
  const killed = probe.runners();
  assert.equal(killed.length, 1);
  Deno.kill(killed[0]!, "SIGKILL");
  assert.equal(
    await probe.failureOf(running),
    "the runner process ended with SIGKILL, as the system does where its memory runs out",
  );
  for (const end of await probe.endsOf(others)) {
    assert.ok("outcome" in end && end.outcome.status === "COMPLETED");
  }
  await waitUntilGone(killed);
  assert.equal(probe.pool.stats().lost, 1);
});

Deno.test("Pool replaces an idle runner that was killed", async () => {
  await using probe = new PoolProbe({ isolation: "process" });
  await probe.run(makeRun("ok"));
  Deno.kill(probe.runners()[0]!, "SIGKILL");
  const run = makeRun("ok");
  const [end] = await probe.run(run);
  // It may be sent before the death is known: then it fails, and is not lost.
  if ("outcome" in end! && end.outcome.status === "FAILED") {
    assert.match(String(end.outcome.failureReason), /^the runner process ended/);
  }
  await probe.run(makeRun("ok"));
  assert.equal(probe.pool.stats().lost, 1);
});

Deno.test("Pool replaces an idle runner at once, before there is a run for it", async () => {
  await using probe = new PoolProbe({ isolation: "process" });
  await probe.run(makeRun("ok"));
  const killed = probe.runners();
  Deno.kill(killed[0]!, "SIGKILL");
  await eventually("another runner", () => probe.runners().some((pid) => !killed.includes(pid)));
});

Deno.test("Pool gives back the runs of a shared runner that died, and fails those that died thrice", async () => {
  await using probe = new PoolProbe({ isolation: "process", concurrency: 3, jobsPerWorker: 3 });
  await probe.run(makeRun("ok"));
  const fresh = [makeRun("hangs"), makeRun("hangs")];
  const third = makeRun("hangs", {}, { job: { attempt: 3 } });
  for (const run of [...fresh, third]) await probe.start(run);
  Deno.kill(probe.runners()[0]!, "SIGKILL");
  for (const run of fresh) assert.equal(await probe.wasStarted(run), true);
  assert.match(await probe.failureOf(third), /^the runner process ended with SIGKILL/);
});

Deno.test("Pool fails waiting runs with the reason once no worker could be started thrice", async () => {
  await using probe = new PoolProbe({ workerUrl: brokenWorkerUrl });
  const runs = makeRuns("ok", 3);
  probe.pool.submit(runs);
  for (const run of runs) {
    const reason = await probe.failureOf(run);
    assert.match(reason, /^no worker can be started for the task: .*the worker is broken/);
  }
  assert.ok(probe.pool.stats().started <= 4, "it tried too often");
  assert.equal(probe.pool.stats().busy, 0);
  // It goes on trying for later runs.
  const later = makeRun("ok");
  probe.pool.submit([later]);
  assert.match(await probe.failureOf(later), /^no worker can be started/);
});

Deno.test("Pool fails waiting runs with the reason where no runner can be spawned", async () => {
  await using probe = new PoolProbe({
    isolation: "process",
    runnerCommand: { path: "/no/such/program", args: [] },
  });
  const run = makeRun("ok");
  probe.pool.submit([run]);
  assert.match(await probe.failureOf(run), /^no worker can be started for the task: .*no\/such/);
});

Deno.test("Pool tells what a runner printed that ends at once", async () => {
  await using probe = new PoolProbe({
    isolation: "process",
    runnerCommand: { path: Deno.execPath(), args: ["run", "--quiet", "/no/such/runner.ts"] },
  });
  const run = makeRun("ok");
  probe.pool.submit([run]);
  assert.match(
    await probe.failureOf(run),
    /the runner process ended with exit code 1: .*runner\.ts/,
  );
});

Deno.test("Pool tries each group again in its own time, whatever becomes of another one", async () => {
  await using probe = new PoolProbe({ workerUrl: brokenWorkerUrl, concurrency: 2 });
  // After five failures the next try of this group comes after all the tries of the other one.
  for (let failures = 3; failures <= 5; failures++) await probe.run(makeRun("ok"));
  const runs = [makeRun("ok"), makeRun("net_task", { host: "localhost", port: 1 })];
  probe.pool.submit(runs);
  for (const run of runs) assert.match(await probe.failureOf(run), /^no worker can be started/);
});

Deno.test("Pool runs a job whose node died in a process, and the others in threads", async () => {
  await using probe = new PoolProbe({ concurrency: 2 });
  const crashed = makeRun("waits_for_signal", {}, { job: { crashes: 1, attempt: 2 } });
  await probe.start(crashed);
  assert.equal(probe.runners().length, 1);
  await probe.run(makeRun("ok"));
  assert.equal(probe.runners().length, 1);
  probe.pool.abort(crashed.job.id, "enough");
  assert.equal(await probe.failureOf(crashed), "enough");
});
