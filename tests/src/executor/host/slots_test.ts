import assert from "node:assert/strict";
import { RunGroups } from "../../../../src/executor/host/run_groups.ts";
import type { Slot } from "../../../../src/executor/host/slot.ts";
import { Slots } from "../../../../src/executor/host/slots.ts";
import { runnerCommand } from "../../../fixtures/main.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { describedFixtures, makeRun } from "../../../testing/make_run.ts";
import { flushLogs } from "../../../../src/log/log.ts";
import { fixtureWorkerUrl } from "../../../testing/pool_probe.ts";
import { within } from "../../../testing/within.ts";

/** Slots for two workers, and a group for them. */
function openSlots() {
  const loaded = new Set<Slot>();
  let onLoaded = () => {};
  const slots = new Slots({
    maxWorkers: 2,
    jobsPerWorker: 1,
    maxResultBytes: 1_000,
    taskSettings: {},
    killGraceMs: 500,
    maxMemoryMb: 512,
    workerUrl: fixtureWorkerUrl,
    runnerCommand,
  }, {
    wakeAt: () => {},
    onLoaded(slot) {
      loaded.add(slot);
      onLoaded();
    },
    onOutcomes: () => {},
    onReturned: () => {},
    onWornOut: () => {},
    onOverdue: () => {},
    onLost: () => {},
    onLog: () => {},
  });
  const group = new RunGroups(describedFixtures, "worker").groupOf(makeRun("ok").task, "worker");
  return {
    slots,
    open: () => slots.open(group, "worker"),
    /** The slot can be sent runs. */
    async load(slot: Slot) {
      const { promise, resolve } = Promise.withResolvers<void>();
      onLoaded = () => loaded.has(slot) && resolve();
      onLoaded();
      await within(promise, "the worker");
    },
    [Symbol.asyncDispose]: () => slots.closeAll(),
  };
}

Deno.test("Slots holds at most its maximum, and counts the workers that it started", async () => {
  await using parts = openSlots();
  const { slots, open } = parts;
  const [one, two] = [open(), open()];
  assert.deepEqual(slots.all(), [one, two]);
  assert.deepEqual([slots.room, slots.started, slots.lost], [0, 2, 0]);
  await parts.load(one);
  slots.makeRoom(one);
  assert.deepEqual([slots.has(one), slots.has(two), slots.room], [false, true, 1]);
  await parts.load(two);
  assert.equal(slots.lost, 0);
});

Deno.test("Slots puts the spare worker into the place of a lost one", async () => {
  await using parts = openSlots();
  const { slots } = parts;
  const slot = parts.open();
  slots.prepareSpare(slot);
  slots.prepareSpare(slot);
  assert.deepEqual([slots.started, slots.all().length, slots.allAndSpares().length], [2, 1, 2]);
  slots.lose(slot);
  const [spare] = slots.all();
  assert.ok(spare !== undefined && spare !== slot);
  assert.deepEqual([slots.lost, slots.has(spare), slots.has(slot)], [1, true, false]);
  await parts.load(spare);
});

Deno.test("Slots.dropSpare ends the spare worker of one that goes on", async () => {
  await using parts = openSlots();
  const { slots } = parts;
  const slot = parts.open();
  slots.prepareSpare(slot);
  slots.dropSpare(slot);
  slots.dropSpare(slot);
  slots.lose(slot);
  assert.deepEqual(slots.all(), []);
});

Deno.test("Slots.forgetSpare tells a spare worker from the others", async () => {
  await using parts = openSlots();
  const { slots } = parts;
  const slot = parts.open();
  assert.equal(slots.forgetSpare(slot), false);
  assert.equal(slots.has(slot), true);
});

Deno.test("Slots.closeAll ends every worker, the spare ones too", async () => {
  const { slots, open } = openSlots();
  slots.prepareSpare(open());
  await slots.closeAll();
  assert.deepEqual([slots.all(), slots.heldCount], [[], 0]);
  await slots.closeAll();
});

Deno.test("Slots warns once where workers make room for others, or are lost, again and again", async () => {
  await using parts = openSlots();
  const { slots, open } = parts;
  await using logs = new CapturedLogs();
  for (let count = 0; count < 8; count++) slots.makeRoom(open());
  for (let count = 0; count < 8; count++) slots.lose(open());
  await flushLogs();
  const warnings = logs.lines.filter(({ level }) => level === "warn");
  assert.equal(warnings.length, 1);
  assert.match(String(warnings[0]?.message), /worker_pool\.max_workers is too small/);
});
