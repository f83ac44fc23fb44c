// How a slot starts, and how it sees that its worker is stuck.

import assert from "node:assert/strict";
import { FrameKind } from "../../../../src/executor/wire/frames.ts";
import { makeOkRuns, openReadySlot, openSlot } from "../../../testing/open_slot.ts";

const { Aborting, Completed, Flush, Loaded, LoadFailed, Loading, Ready } = FrameKind;

Deno.test("Slot is starting until its worker has loaded the tasks", () => {
  const { slot, happened, write } = openSlot();
  assert.deepEqual([slot.state, slot.isOpen], ["starting", false]);
  write(Loaded);
  assert.deepEqual([slot.state, slot.isOpen, slot.isReady], ["idle", true, false]);
  assert.deepEqual(happened, ["loaded"]);
});

Deno.test("Slot tells which task cannot be loaded", () => {
  const { slot, happened, write, worker, counts } = openSlot();
  write(LoadFailed, 0, '{"taskName":"mailer","file":"","line":0,"reason":"throws"}');
  assert.deepEqual([slot.state, counts().killCount], ["ending", 1]);
  worker().onLost("it was ended");
  const nothing = { running: [], waiting: [] };
  assert.deepEqual(happened, [["lost: mailer throws", "it was ended", nothing]]);
});

Deno.test("Slot ends a worker that loads one module for longer than 10 s", () => {
  const { slot, happened, losses, write, worker, passMs } = openSlot();
  for (const taskName of ["one", "two"]) {
    passMs(9_999);
    write(Loading, 0, JSON.stringify({ taskName, file: "" }));
  }
  passMs(9_999);
  assert.equal(slot.state, "starting");
  passMs(1);
  assert.equal(slot.state, "ending");
  worker().onLost("it was ended");
  assert.match(String(happened), /^lost: two has not loaded within 10 seconds/);
  assert.equal(losses[0]?.couldStart, false);
});

Deno.test("Slot ends a worker whose first run does not start", () => {
  const { happened, write, send, worker, passMs } = openSlot();
  write(Loaded);
  const [run] = makeOkRuns(1);
  send(run);
  passMs(30_000);
  worker().onReturned(1);
  worker().onLost("it was ended");
  assert.deepEqual(happened[1], ["returned", run.job.id]);
  assert.match(String(happened[2]), /its first run did not start within 30 seconds/);
});

Deno.test("Slot is suspect after half a second without a sign of life, and goes on with one", () => {
  for (const sign of [Flush, Aborting]) {
    const { slot, write, passMs } = openReadySlot();
    passMs(499);
    assert.equal(slot.state, "running");
    passMs(1);
    assert.deepEqual([slot.state, slot.isOpen, slot.takesAhead], ["suspect", true, false]);
    write(sign);
    assert.equal(slot.state, "running");
    passMs(499);
    assert.equal(slot.state, "running");
  }
});

Deno.test("Slot is stuck where it is at rest and starts nothing", () => {
  const { slot, happened, run, send, write, worker, passMs, counts } = openReadySlot();
  for (const kind of [Completed, Flush]) write(kind, 1);
  const [two] = makeOkRuns(1);
  send(two);
  passMs(500);
  passMs(500);
  assert.equal(slot.state, "taking_back");
  happened.length = 0;
  worker().onReturned(2);
  assert.deepEqual(happened, [["returned", two.job.id]]);
  assert.deepEqual([slot.state, slot.size, counts().killCount], ["ending", 0, 1]);
  worker().onLost("it was ended");
  const nothing = { running: [], waiting: [] };
  assert.deepEqual(happened.at(-1), ["lost", "it was ended", nothing, "stuck", run.job.id]);
});

Deno.test("Slot is stuck where its last outcome does not come to stand", () => {
  const { slot, happened, run, write, worker, passMs } = openReadySlot();
  write(Completed, 1, "1");
  passMs(500);
  passMs(500);
  worker().onReturned(2);
  assert.deepEqual(happened, [["returned"], [run.job.id, "1"]]);
  assert.equal(slot.state, "ending");
});

Deno.test("Slot is not stuck while it is at work, or has nothing to start", () => {
  const { slot, write, worker, passMs, counts } = openReadySlot();
  passMs(500);
  passMs(500);
  worker().onReturned(2);
  assert.equal(slot.state, "stalled");
  write(Completed, 1);
  write(Flush);
  assert.equal(slot.state, "idle");
  passMs(5_000);
  assert.deepEqual([slot.state, counts()], ["idle", { takeBackCount: 1, killCount: 0 }]);
});

Deno.test("Slot that gave back what it had not started gets some time for what it is sent next, and not for ever", () => {
  const { slot, send, worker, passMs } = openReadySlot();
  passMs(500);
  passMs(490);
  for (let number = 1; number <= 3; number++) {
    slot.takeBack();
    worker().onReturned(number);
    assert.deepEqual([slot.state, slot.size], ["suspect", 0]);
    send(...makeOkRuns(1));
    passMs(70);
  }
  passMs(50);
  assert.equal(slot.state, "taking_back");
  worker().onReturned(4);
  assert.equal(slot.state, "ending");
});

Deno.test("Slot tells a worker that could not be started from one that died later", () => {
  const cases = [
    { write: [], ms: 5_000, sends: false, couldStart: false },
    { write: [Loaded], ms: 999, sends: false, couldStart: false },
    { write: [Loaded], ms: 1_000, sends: false, couldStart: true },
    // What it was sent it could not even load.
    { write: [Loaded], ms: 1_000, sends: true, couldStart: false },
    { write: [Loaded, Ready], ms: 0, sends: false, couldStart: true },
  ];
  for (const { write: kinds, ms, sends, couldStart } of cases) {
    const { losses, send, worker, write, passMs } = openSlot();
    for (const kind of kinds) write(kind);
    if (sends) send(...makeOkRuns(1));
    passMs(ms);
    worker().onLost("it died");
    assert.equal(losses[0]?.couldStart, couldStart, JSON.stringify({ kinds, ms, sends }));
  }
});
