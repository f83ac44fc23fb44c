import assert from "node:assert/strict";
import type { Outcome } from "../../../../src/jobs/job.ts";
import { runnerCommand } from "../../../fixtures/main.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { eventually } from "../../../testing/eventually.ts";
import { makeRun, makeRuns } from "../../../testing/make_run.ts";
import { PoolProbe } from "../../../testing/pool_probe.ts";
import { cpuMsOf, memoryMbOf, waitCountOf, waitUntilGone } from "../../../testing/process_facts.ts";

const mib = 2 ** 20;

async function outcomeOf(probe: PoolProbe, task: string, params?: unknown): Promise<Outcome> {
  const run = makeRun(task, params);
  await probe.run(run);
  return await probe.outcomeOf(run);
}

Deno.test("a run in a process tells its CPU time and its peak memory, and those of no other run", async () => {
  await using probe = new PoolProbe({ isolation: "process" });
  await outcomeOf(probe, "ok");
  const [pid] = probe.runners() as [number];
  const beforeMs = cpuMsOf(pid)!;
  const burned = await outcomeOf(probe, "spins_for", { ms: 400 });
  const usedMs = cpuMsOf(pid)! - beforeMs;
  assert.ok(burned.cpuMs! > 0 && burned.cpuMs! <= usedMs + 20, `${burned.cpuMs} of ${usedMs} ms`);
  const peakMb = burned.peakMemoryBytes! / mib;
  assert.ok(Math.abs(peakMb - memoryMbOf(pid)!) < 40, `${peakMb} of ${memoryMbOf(pid)} MiB`);

  const slept = await outcomeOf(probe, "sleeps", { ms: 100 });
  assert.ok(slept.cpuMs! < burned.cpuMs! / 2, `${slept.cpuMs} ms: as the run before`);
});

Deno.test("a run that had its memory for a moment tells its peak", async () => {
  await using probe = new PoolProbe({ isolation: "process" });
  await outcomeOf(probe, "ok");
  const { status, peakMemoryBytes } = await outcomeOf(probe, "borrows_memory", { mb: 200 });
  assert.equal(status, "COMPLETED");
  assert.ok(peakMemoryBytes! > 200 * mib, `${peakMemoryBytes} bytes`);
});

for (
  const options of [
    { isolation: "worker" },
    { isolation: "process", concurrency: 2, jobsPerWorker: 2 },
  ] as const
) {
  const where = options.isolation === "worker" ? "a thread" : "a shared process";
  Deno.test(`a run in ${where} tells neither CPU time nor memory`, async () => {
    await using probe = new PoolProbe(options);
    const { status, cpuMs, peakMemoryBytes } = await outcomeOf(probe, "sleeps", { ms: 60 });
    assert.deepEqual([status, cpuMs, peakMemoryBytes], ["COMPLETED", undefined, undefined]);
  });
}

Deno.test("a slow run behind quick ones that were sent together tells its CPU time", async () => {
  await using probe = new PoolProbe({ isolation: "process", backlog: 64 });
  await probe.run(...makeRuns("ok", 100));
  const slow = makeRun("spins_for", { ms: 200 });
  await probe.run(...makeRuns("ok", 20), slow, ...makeRuns("ok", 20));
  const { cpuMs } = await probe.outcomeOf(slow);
  assert.ok(cpuMs! > 0 && cpuMs! < 1_000, `${cpuMs} ms`);
});

Deno.test("a run whose process had to be killed tells what it had used", async () => {
  await using probe = new PoolProbe({ isolation: "process", killGraceMs: 100 });
  await outcomeOf(probe, "ok");
  const run = makeRun("spins", {}, { timeoutMs: 400 });
  await probe.run(run);
  const outcome = await probe.outcomeOf(run);
  assert.equal(outcome.failureReason, "timed out after 400 milliseconds");
  assert.ok(outcome.cpuMs! > 0, `${outcome.cpuMs} ms`);
  assert.ok(outcome.peakMemoryBytes! > 10 * mib);
});

const overLimit =
  /^used (\d+) MB of memory; worker_pool\.max_memory_mb allows 300; handle the data in smaller parts, or raise it$/;

for (
  const [task, mb] of [["allocates", 2_000], ["reads_rows", 450], [
    "borrows_memory",
    1_000,
  ]] as const
) {
  Deno.test(`${task} fails above the memory limit, and the next run finds a fresh process`, async () => {
    await using probe = new PoolProbe({ isolation: "process", maxMemoryMb: 300 });
    const outcome = await outcomeOf(probe, task, { mb });
    const [, usedMb] = overLimit.exec(outcome.failureReason!) ?? assert.fail(outcome.failureReason);
    assert.ok(Number(usedMb) > 300);
    assert.equal(Math.round(outcome.peakMemoryBytes! / mib), Number(usedMb));
    assert.equal((await outcomeOf(probe, "ok")).status, "COMPLETED");
  });
}

Deno.test("a run whose heap V8 ends says that it ran out of memory", async () => {
  const { path, args: [run = "", ...args] } = runnerCommand;
  const heapFlag = "--v8-flags=--max-old-space-size=64";
  await using probe = new PoolProbe({
    isolation: "process",
    maxMemoryMb: 4_096,
    runnerCommand: { path, args: [run, heapFlag, ...args] },
  });
  const { failureReason } = await outcomeOf(probe, "fills_heap");
  assert.match(
    failureReason!,
    /^ran out of memory: its process ended with .+, because V8 allows no larger heap; handle/,
  );
});

Deno.test("a process in which a run left memory behind is replaced, and no run fails for it", async () => {
  await using logs = new CapturedLogs();
  await using probe = new PoolProbe({ isolation: "process", maxMemoryMb: 400 });
  await outcomeOf(probe, "ok");
  const [worn] = probe.runners() as [number];
  const keeping = await outcomeOf(probe, "keeps_memory", { mb: 250 });
  assert.equal(keeping.status, "COMPLETED");
  await waitUntilGone([worn]);
  assert.equal((await outcomeOf(probe, "borrows_memory", { mb: 200 })).status, "COMPLETED");
  assert.equal(probe.pool.stats().lost, 0);
  assert.deepEqual(logs.lines.filter(({ level }) => level === "error"), []);
});

Deno.test("runs behind one that left memory behind run elsewhere, and none of them fails", async () => {
  await using probe = new PoolProbe({ isolation: "process", maxMemoryMb: 400, backlog: 64 });
  await probe.run(...makeRuns("ok", 50));
  const runs = [
    makeRun("keeps_memory", { mb: 450 }),
    ...Array.from({ length: 8 }, () => makeRun("sleeps", { ms: 60 })),
  ];
  await probe.run(...runs);
  const [keeping, ...others] = await Promise.all(runs.map((run) => probe.outcomeOf(run)));
  for (const { failureReason } of others) assert.equal(failureReason, undefined);
  // Whether its memory was seen before it ended is a matter of chance.
  assert.match(keeping!.failureReason ?? "", /^$|^used/);
});

Deno.test("an idle process does nothing, whether it has run something or not", async () => {
  await using probe = new PoolProbe({ isolation: "process", concurrency: 2 });
  await outcomeOf(probe, "spins_for", { ms: 50 });
  probe.pool.warmUp();
  for (const pid of await eventually("a second runner", () => bothOf(probe))) {
    await eventually("a quiet runner", async () => {
      const before = waitCountOf(pid);
      await new Promise((resolve) => setTimeout(resolve, 500));
      return waitCountOf(pid) - before <= 2;
    });
  }
});

function bothOf(probe: PoolProbe): number[] | undefined {
  const runners = probe.runners();
  return runners.length === 2 ? runners : undefined;
}

Deno.test("a run fails where the limit is less than the process needs for itself", async () => {
  await using probe = new PoolProbe({ isolation: "process", maxMemoryMb: 20 });
  const { failureReason } = await outcomeOf(probe, "hangs");
  assert.match(failureReason!, /used \d+ MB of memory; worker_pool\.max_memory_mb allows 20;/);
});
