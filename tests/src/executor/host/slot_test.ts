import assert from "node:assert/strict";
import { encodeFrame, encodeText, FrameKind } from "../../../../src/executor/wire/frames.ts";
import { makeRun } from "../../../testing/make_run.ts";
import {
  killGraceMs,
  makeOkRuns,
  openReadySlot,
  openSlot,
  startMs,
} from "../../../testing/open_slot.ts";

const { Aborting, Completed, Failed, Flush, Loaded, Log, Ready, Trace } = FrameKind;

Deno.test("Slot sends runs with numbers that go on", () => {
  const { slot, sent, send, write } = openSlot();
  write(Loaded);
  const [one, two, three] = makeOkRuns(3);
  send(one, two);
  send(three);
  const numbers = sent.flatMap((message) =>
    message.kind === "run" ? message.runs.map(({ number, jobId }) => [number, jobId]) : []
  );
  assert.deepEqual(numbers, [[1, one.job.id], [2, two.job.id], [3, three.job.id]]);
  assert.deepEqual([slot.state, slot.size, slot.runningCount], ["running", 3, 1]);
});

Deno.test("Slot reports outcomes when the worker says that they stand, all at once", () => {
  const { slot, happened, run, send, write } = openReadySlot();
  const [two] = makeOkRuns(1);
  send(two);
  write(Completed, 1, "7");
  write(Failed, 2, "it broke");
  assert.deepEqual(happened, []);
  assert.deepEqual([slot.size, slot.running().length], [2, 0]);
  write(Flush);
  assert.deepEqual(happened, [[run.job.id, "7"], [two.job.id, "it broke"]]);
  assert.deepEqual([slot.size, slot.state], [0, "idle"]);
});

Deno.test("Slot lets a late failure take the place of an outcome that is not reported yet", () => {
  const { happened, run, write } = openReadySlot();
  write(Completed, 1, "7");
  write(Failed, 1, "left a rejected promise");
  write(Flush);
  write(Failed, 1, "too late");
  write(Flush);
  assert.deepEqual(happened, [[run.job.id, "left a rejected promise"]]);
});

Deno.test("Slot keeps the trace of a run for its failure, and for nothing else", () => {
  const traces: (string | undefined)[] = [];
  const { send, write } = openSlot(1, (outcome) => traces.push(outcome.trace));
  write(Loaded);
  send(...makeOkRuns(3));
  write(Trace, 1, "Error: it broke");
  write(Failed, 1, "it broke");
  write(Trace, 2, "Error: caught");
  write(Completed, 2, "7");
  write(Failed, 3, "timed out");
  write(Trace, 4, "of nobody");
  write(Flush);
  assert.deepEqual(traces, ["Error: it broke", undefined, undefined]);
});

Deno.test("Slot gives back what had not started, and from then on reports outcomes as they come", () => {
  const { slot, happened, run, send, write, worker, counts } = openReadySlot();
  const [two, three] = makeOkRuns(2);
  send(two, three);
  slot.takeBack();
  slot.takeBack();
  assert.deepEqual([slot.state, slot.isOpen, counts().takeBackCount], ["taking_back", false, 1]);
  worker().onReturned(2);
  assert.deepEqual(happened, [["returned", two.job.id, three.job.id]]);
  assert.deepEqual([slot.state, slot.isOpen, slot.takesAhead, slot.size], [
    "stalled",
    true,
    false,
    1,
  ]);
  write(Completed, 1, "7");
  assert.deepEqual(happened[1], [run.job.id, "7"]);
  write(Flush);
  assert.equal(slot.state, "idle");
});

Deno.test("Slot takes back what waits behind a run that takes its time", () => {
  const { slot, run, send, write, passMs, counts } = openReadySlot();
  const [two, three] = makeOkRuns(2);
  send(two, three);
  passMs(3);
  write(Completed, 1);
  passMs(1);
  assert.equal(counts().takeBackCount, 0, "one has ended");
  passMs(4);
  assert.deepEqual([slot.state, counts().takeBackCount], ["taking_back", 1]);
  assert.ok(slot.unfinished().every((handed) => handed.run !== run));
});

Deno.test("Slot counts the time of a run from when it is the next to run on a ready worker", () => {
  const { slot, send, write, passMs, counts } = openSlot();
  write(Loaded);
  const runs = [makeRun("ok", {}, { timeoutMs: 50 }), makeRun("ok", {}, { timeoutMs: 20 })];
  send(...runs);
  passMs(40);
  write(Ready);
  assert.deepEqual(slot.running().map(({ deadlineAtMs }) => deadlineAtMs), [startMs + 90]);
  write(Completed, 1);
  write(Flush);
  assert.deepEqual(slot.running().map(({ deadlineAtMs }) => deadlineAtMs), [startMs + 60]);
  assert.equal(counts().takeBackCount, 0);
});

Deno.test("Slot runs as many at once as its capacity", () => {
  const { slot, send, write } = openSlot(2);
  write(Loaded);
  const runs = makeOkRuns(3);
  send(...runs);
  assert.deepEqual(slot.running().map(({ run }) => run), runs.slice(0, 2));
  write(Completed, 1);
  assert.deepEqual(slot.running().map(({ run }) => run), runs.slice(1));
});

Deno.test("Slot.abort tells the worker, once what has not started cannot start any more", () => {
  const { slot, sent, counts } = openReadySlot();
  const [handed] = slot.running();
  slot.abort(handed!, "the job was deleted");
  slot.abort(handed!, "a second reason");
  assert.deepEqual([slot.state, counts().takeBackCount], ["taking_back", 1]);
  assert.deepEqual(sent.at(-1), { kind: "abort", number: 1, reason: "the job was deleted" });
  assert.deepEqual([handed!.abortReason, handed!.deadlineAtMs], ["the job was deleted", startMs]);
});

Deno.test("Slot ends a worker whose run outlasts its deadline and the grace period", () => {
  const { slot, happened, run, worker, passMs, counts } = openReadySlot();
  passMs(run.timeoutMs);
  assert.equal(slot.state, "taking_back", "it may not have started");
  worker().onReturned(2);
  assert.deepEqual(happened, [["returned"]]);
  passMs(killGraceMs / 4);
  assert.deepEqual(happened, [["returned"], "overdue"]);
  passMs(killGraceMs * 3 / 4 - 1);
  assert.equal(counts().killCount, 0);
  passMs(1);
  assert.deepEqual([slot.state, counts().killCount], ["ending", 1]);
  worker().onLost("it was ended");
  const { id } = run.job;
  const runs = { running: [id], waiting: [] };
  assert.deepEqual(happened.at(-1), ["lost", "it was ended", runs, "overdue", id]);
});

Deno.test("Slot ends a worker with an overdue run that does not even answer", () => {
  const { slot, happened, run, passMs, counts } = openReadySlot();
  passMs(run.timeoutMs);
  passMs(500);
  passMs(killGraceMs - 1);
  assert.deepEqual(happened, ["overdue"]);
  passMs(1);
  assert.deepEqual([slot.state, counts().killCount], ["ending", 1]);
});

Deno.test("Slot gives back a late run that had not started", () => {
  const { slot, happened, run, worker, passMs } = openReadySlot();
  passMs(run.timeoutMs);
  worker().onReturned(1);
  assert.deepEqual(happened, [["returned", run.job.id]]);
  assert.deepEqual([slot.state, slot.size], ["stalled", 0]);
});

Deno.test("Slot gives a run that its worker fails the grace period, from then on", () => {
  const { slot, happened, write, passMs } = openReadySlot();
  const [handed] = slot.running();
  passMs(10);
  write(Aborting, 1, "threw outside its promise");
  write(Aborting, 1, "timed out after 60 seconds");
  assert.equal(handed!.failureReason, "threw outside its promise");
  assert.deepEqual([handed!.deadlineAtMs, handed!.killAtMs], [
    startMs + 10,
    startMs + 10 + killGraceMs,
  ]);
  assert.deepEqual(happened, []);
});

Deno.test("Slot gives a run the whole grace period from when its worker has heard of the abort, once", () => {
  const { slot, write, worker, passMs, counts } = openReadySlot();
  const [handed] = slot.running();
  slot.abort(handed!, "enough");
  worker().onReturned(2);
  assert.equal(handed!.killAtMs, startMs + killGraceMs);
  passMs(killGraceMs - 1);
  for (let count = 0; count < 2; count++) {
    write(Aborting, 1, "enough");
    passMs(1);
  }
  assert.equal(handed!.killAtMs, startMs + 2 * killGraceMs - 1);
  passMs(killGraceMs - 3);
  assert.deepEqual([slot.state, counts().killCount], ["stalled", 0]);
  passMs(1);
  assert.deepEqual([slot.state, counts().killCount], ["ending", 1]);
});

Deno.test("Slot passes log lines on with their run, and those of no run without one", () => {
  const { happened, run, write } = openReadySlot();
  write(Log, 1, '{"level":"info","message":"mine"}');
  write(Log, 0, '{"level":"info","message":"whose"}');
  assert.deepEqual(happened, [["log", run.job.id, "mine"], ["log", undefined, "whose"]]);
});

Deno.test("Slot reads frames that come in pieces", () => {
  const { happened, run, worker } = openReadySlot();
  const bytes = [...encodeFrame(Completed, 1, 0, 0, encodeText("7")), ...encodeFrame(Flush)];
  for (const byte of bytes) worker().onBytes(Uint8Array.of(byte));
  assert.deepEqual(happened, [[run.job.id, "7"]]);
});

Deno.test("Slot reports what was finished before it reports that the worker is lost", () => {
  const { slot, happened, run, send, write, worker } = openReadySlot();
  const [two, three] = makeOkRuns(2);
  send(two, three);
  write(Completed, 1, "7");
  worker().onLost("it crashed");
  const runs = { running: [two.job.id], waiting: [three.job.id] };
  assert.deepEqual(happened, [[run.job.id, "7"], ["lost", "it crashed", runs]]);
  assert.equal(slot.state, "ending");
});

Deno.test("Slot whose worker is worn out takes nothing more, and gives back what has not started", () => {
  const { slot, happened, run, send, write, worker, counts } = openReadySlot();
  const [two] = makeOkRuns(1);
  send(two);
  worker().onWornOut();
  worker().onWornOut();
  assert.deepEqual([slot.isOpen, slot.takesAhead, counts().takeBackCount], [false, false, 1]);
  worker().onReturned(2);
  write(Completed, 1, "7");
  write(Flush);
  assert.deepEqual(happened, ["worn out", ["returned", two.job.id], [run.job.id, "7"]]);
  assert.deepEqual([slot.state, slot.size, slot.isOpen], ["idle", 0, false]);
});
