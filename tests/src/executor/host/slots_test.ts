import assert from "node:assert/strict";
import { RunGroups } from "../../../../src/executor/host/run_groups.ts";
import type { Slot } from "../../../../src/executor/host/slot.ts";
import { Slots } from "../../../../src/executor/host/slots.ts";
import { runnerCommand } from "../../../fixtures/main.ts";
import { makeRun } from "../../../testing/make_run.ts";
import { fixtureWorkerUrl } from "../../../testing/pool_probe.ts";
import { within } from "../../../testing/within.ts";

/** Slots for two workers, and a group for them. */
function openSlots() {
  const readySlots = new Set<Slot>();
  let onReady = () => {};
  const slots = new Slots(2, {
    jobsPerWorker: 1,
    maxResultBytes: 1_000,
    taskSettings: {},
    maxMemoryMb: 512,
    workerUrl: fixtureWorkerUrl,
    runnerCommand,
    now: Date.now,
  }, {
    onReady(slot) {
      readySlots.add(slot);
      onReady();
    },
    onOutcomes: () => {},
    onReturned: () => {},
    onSilent: () => {},
    onStuck: () => {},
    onAborting: () => {},
    onLost: () => {},
    onLog: () => {},
  });
  return {
    slots,
    group: new RunGroups().groupOf(makeRun("ok").task, "worker"),
    /** A worker is ready with its first run. */
    async ready(slot: Slot) {
      slot.send([makeRun("ok")]);
      const { promise, resolve } = Promise.withResolvers<void>();
      onReady = () => readySlots.has(slot) && resolve();
      await within(promise, "the worker");
    },
    [Symbol.asyncDispose]: () => slots.closeAll(),
  };
}

Deno.test("Slots holds at most its maximum, and counts the workers that it started", async () => {
  await using parts = openSlots();
  const { slots, group } = parts;
  const [one, two] = [slots.open(group), slots.open(group)];
  assert.deepEqual(slots.all(), [one, two]);
  assert.deepEqual([slots.hasRoom, slots.started, slots.lost], [false, 2, 0]);
  slots.close(one);
  assert.deepEqual([slots.has(one), slots.has(two), slots.hasRoom], [false, true, true]);
  await parts.ready(two);
  assert.equal(slots.lost, 0);
});

Deno.test("Slots puts the spare worker into the place of a lost one", async () => {
  await using parts = openSlots();
  const { slots, group } = parts;
  const slot = slots.open(group);
  slots.prepareSpare(slot, group);
  slots.prepareSpare(slot, group);
  assert.deepEqual([slots.started, slots.all().length], [2, 1]);
  slots.lose(slot);
  const [spare] = slots.all();
  assert.ok(spare !== undefined && spare !== slot);
  assert.deepEqual([slots.lost, slots.has(spare), slots.has(slot)], [1, true, false]);
  await parts.ready(spare);
});

Deno.test("Slots.dropSpare ends the spare worker of one that goes on", async () => {
  await using parts = openSlots();
  const { slots, group } = parts;
  const slot = slots.open(group);
  slots.prepareSpare(slot, group);
  slots.dropSpare(slot);
  slots.dropSpare(slot);
  slots.lose(slot);
  assert.deepEqual(slots.all(), []);
});

Deno.test("Slots.forgetSpare tells a spare worker from the others", async () => {
  await using parts = openSlots();
  const { slots, group } = parts;
  const slot = slots.open(group);
  assert.equal(slots.forgetSpare(slot), false);
  assert.equal(slots.has(slot), true);
});

Deno.test("Slots.closeAll ends every worker, the spare ones too", async () => {
  const { slots, group } = openSlots();
  slots.prepareSpare(slots.open(group), group);
  await slots.closeAll();
  assert.deepEqual([slots.all(), slots.heldCount], [[], 0]);
  await slots.closeAll();
});
