import assert from "node:assert/strict";
import { encodeFrame, encodeText, FrameKind } from "../../../../src/executor/wire/frames.ts";
import type { HostMessage } from "../../../../src/executor/wire/messages.ts";
import type { Outcome } from "../../../../src/jobs/job.ts";
import { type Run, Slot } from "../../../../src/executor/host/slot.ts";
import type { WorkerEvents } from "../../../../src/executor/host/worker_handle.ts";
import { makeRun } from "../../../testing/make_run.ts";

const startMs = 1_000_000;

/** A slot whose worker is the test. */
function openSlot(capacity = 1, onOutcome: (outcome: Outcome) => void = () => {}) {
  let worker!: WorkerEvents;
  let nowMs = startMs;
  const sent: HostMessage[] = [];
  const happened: unknown[] = [];
  let takeBackCount = 0;
  let killCount = 0;
  const slot = new Slot(
    "the group",
    { capacity, maxResultBytes: 100 },
    (events) => {
      worker = events;
      return {
        send: (message) => sent.push(JSON.parse(message)),
        sendRuns: (message) => sent.push(JSON.parse(message)),
        takeBack: () => takeBackCount += 1,
        kill: () => killCount += 1,
        close: () => Promise.resolve(),
      };
    },
    {
      onReady: () => happened.push("ready"),
      onOutcomes: (_slot, ended) =>
        happened.push(...ended.map(({ handed, outcome }) => {
          onOutcome(outcome);
          return [handed.run.job.id, outcome.resultJson ?? outcome.failureReason];
        })),
      onReturned: (_slot, returned) =>
        happened.push(["returned", ...returned.map(({ run }) => run.job.id)]),
      onSilent: () => {},
      onStuck: (_slot, { run }) => happened.push(["stuck", run.job.id]),
      onAborting: ({ run }) => happened.push(["aborting", run.job.id]),
      onLost: (_slot, reason) => happened.push(["lost", reason]),
      onLog: (run, line) => happened.push(["log", run?.job.id, line.message]),
    },
    () => nowMs,
  );
  const write = (kind: FrameKind, number = 0, text = "") =>
    worker.onBytes(encodeFrame(kind, number, 0, 0, encodeText(text)));
  const passMs = (ms: number) => nowMs += ms;
  return {
    slot,
    sent,
    happened,
    write,
    worker,
    passMs,
    counts: () => ({ takeBackCount, killCount }),
  };
}

function makeOkRuns(count: number): [Run, Run, Run] {
  return Array.from({ length: count }, () => makeRun("ok")) as [Run, Run, Run];
}

const { Aborting, Completed, Failed, Flush, Log, Ready, Trace } = FrameKind;

Deno.test("Slot sends runs with numbers that go on", () => {
  const { slot, sent } = openSlot();
  const [one, two, three] = makeOkRuns(3);
  slot.send([one, two]);
  slot.send([three]);
  const numbers = sent.flatMap((message) =>
    message.kind === "run" ? message.runs.map(({ number, jobId }) => [number, jobId]) : []
  );
  assert.deepEqual(numbers, [[1, one.job.id], [2, two.job.id], [3, three.job.id]]);
  assert.equal(slot.size, 3);
});

Deno.test("Slot reports outcomes when the worker says that they stand, all at once", () => {
  const { slot, happened, write } = openSlot();
  const [one, two] = makeOkRuns(2);
  slot.send([one, two]);
  write(Completed, 1, "7");
  write(Failed, 2, "it broke");
  assert.deepEqual(happened, []);
  assert.deepEqual([slot.size, slot.unfinished().length], [2, 0]);
  write(Flush);
  assert.deepEqual(happened, [[one.job.id, "7"], [two.job.id, "it broke"]]);
  assert.equal(slot.size, 0);
});

Deno.test("Slot lets a late failure take the place of an outcome that is not reported yet", () => {
  const { slot, happened, write } = openSlot();
  const [one] = makeOkRuns(1);
  slot.send([one]);
  write(Completed, 1, "7");
  write(Failed, 1, "left a rejected promise");
  write(Flush);
  write(Failed, 1, "too late");
  write(Flush);
  assert.deepEqual(happened, [[one.job.id, "left a rejected promise"]]);
});

Deno.test("Slot keeps the trace of a run for its failure, and for nothing else", () => {
  const traces: (string | undefined)[] = [];
  const { slot, write } = openSlot(1, (outcome) => traces.push(outcome.trace));
  slot.send(makeOkRuns(3));
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
  const { slot, happened, write, worker, counts } = openSlot();
  const [one, two, three] = makeOkRuns(3);
  slot.send([one, two, three]);
  slot.takeBack();
  slot.takeBack();
  assert.deepEqual([slot.isTakingBack, counts().takeBackCount], [true, 1]);
  worker.onReturned(2);
  assert.deepEqual(happened, [["returned", two.job.id, three.job.id]]);
  assert.deepEqual([slot.isTakingBack, slot.isStalled, slot.size], [false, true, 1]);
  write(Completed, 1, "7");
  assert.deepEqual(happened[1], [one.job.id, "7"]);
  write(Flush);
  assert.equal(slot.isStalled, false);
});

Deno.test("Slot counts the time of a run from when it is the next to run on a ready worker", () => {
  const { slot, write } = openSlot();
  const runs = [makeRun("ok", {}, { timeoutMs: 50 }), makeRun("ok", {}, { timeoutMs: 20 })];
  assert.equal(slot.send(runs), Infinity);
  write(Ready);
  assert.equal(slot.setDeadlines(), startMs + 50);
  assert.equal(slot.setDeadlines(), Infinity, "nothing new");
  assert.deepEqual(slot.running().map(({ run }) => run), [runs[0]]);
  write(Completed, 1);
  assert.equal(slot.setDeadlines(), startMs + 20);
  assert.deepEqual(slot.running().map(({ run }) => run), [runs[1]]);
});

Deno.test("Slot runs as many at once as its capacity", () => {
  const { slot, write } = openSlot(2);
  const runs = makeOkRuns(3);
  slot.send(runs);
  assert.deepEqual(slot.running().map(({ run }) => run), runs.slice(0, 2));
  write(Completed, 1);
  assert.deepEqual(slot.running().map(({ run }) => run), runs.slice(1));
});

Deno.test("Slot.abort tells the worker, once what has not started cannot start any more", () => {
  const { slot, sent, counts } = openSlot();
  slot.send(makeOkRuns(1));
  const [handed] = slot.running();
  slot.abort(handed!, "the job was deleted");
  assert.equal(counts().takeBackCount, 1);
  assert.deepEqual(sent.at(-1), { kind: "abort", number: 1, reason: "the job was deleted" });
  assert.deepEqual([handed!.abortReason, handed!.deadlineAtMs], ["the job was deleted", startMs]);
});

Deno.test("Slot gives a run that its worker fails the grace period, from then on", () => {
  const { slot, happened, write } = openSlot();
  const [one] = makeOkRuns(1);
  write(Ready);
  slot.send([one]);
  const [handed] = slot.running();
  assert.equal(handed!.deadlineAtMs, startMs + one.timeoutMs);
  write(Aborting, 1, "threw outside its promise");
  write(Aborting, 1, "timed out after 60 seconds");
  assert.equal(handed!.failureReason, "threw outside its promise");
  assert.equal(handed!.deadlineAtMs, startMs);
  assert.deepEqual(happened[1], ["aborting", one.job.id]);
});

Deno.test("Slot.kill ends the worker once, and nothing more is to be sent to it", () => {
  const { slot, counts } = openSlot();
  slot.send(makeOkRuns(2));
  const [handed] = slot.running();
  slot.kill(handed!);
  slot.kill(handed!);
  assert.equal(counts().killCount, 1);
  assert.deepEqual([slot.killedFor, slot.isRetiring], [handed, true]);
});

Deno.test("Slot passes log lines on with their run, and those of no run without one", () => {
  const { slot, happened, write } = openSlot();
  const [one] = makeOkRuns(1);
  slot.send([one]);
  write(Log, 1, '{"level":"info","message":"mine"}');
  write(Log, 0, '{"level":"info","message":"whose"}');
  assert.deepEqual(happened, [["log", one.job.id, "mine"], ["log", undefined, "whose"]]);
});

Deno.test("Slot reads frames that come in pieces", () => {
  const { slot, happened, worker } = openSlot();
  const [one] = makeOkRuns(1);
  slot.send([one]);
  const bytes = [...encodeFrame(Completed, 1, 0, 0, encodeText("7")), ...encodeFrame(Flush)];
  for (const byte of bytes) worker.onBytes(Uint8Array.of(byte));
  assert.deepEqual(happened, [[one.job.id, "7"]]);
});

Deno.test("Slot reports what was finished before it reports that the worker is lost", () => {
  const { slot, happened, write, worker } = openSlot();
  const [one, two] = makeOkRuns(2);
  slot.send([one, two]);
  write(Completed, 1, "7");
  worker.onLost("it crashed");
  assert.deepEqual(happened, [[one.job.id, "7"], ["lost", "it crashed"]]);
  assert.deepEqual(slot.unfinished().map(({ run }) => run), [two]);
});

Deno.test("Slot is silent while it has runs, and begins anew with each sign of life", () => {
  const { slot, write, passMs } = openSlot();
  slot.send(makeOkRuns(1));
  for (const kind of [Ready, Completed]) {
    slot.probeAtMs = passMs(0);
    write(kind, 1);
    assert.deepEqual([slot.isSilent, slot.probeAtMs], [true, passMs(0)]);
  }
  write(Flush);
  assert.deepEqual([slot.isSilent, slot.probeAtMs], [false, Infinity]);
  slot.send(makeOkRuns(1));
  slot.probeAtMs = passMs(0);
  write(Flush);
  assert.deepEqual([slot.isSilent, slot.probeAtMs], [true, Infinity]);
});

Deno.test("Slot is stuck where it is at rest and starts nothing until it is probed", () => {
  const { slot, happened, write, worker, passMs } = openSlot();
  const [one, two] = makeOkRuns(2);
  slot.send([one]);
  for (const kind of [Ready, Completed, Flush]) write(kind, 1);
  slot.send([two]);
  slot.probeAtMs = passMs(100);
  happened.length = 0;
  worker.onReturned(2);
  assert.deepEqual(happened, [["returned", two.job.id], ["stuck", one.job.id]]);
  assert.deepEqual([slot.isStuck, slot.isRetiring, slot.size], [true, true, 0]);
});

Deno.test("Slot is stuck where its last outcome does not come to stand", () => {
  const { slot, happened, write, worker, passMs } = openSlot();
  const [one] = makeOkRuns(1);
  slot.send([one]);
  for (const kind of [Ready, Completed]) write(kind, 1, kind === Completed ? "1" : "");
  slot.probeAtMs = passMs(100);
  happened.length = 0;
  worker.onReturned(2);
  assert.deepEqual(happened, [["returned"], [one.job.id, "1"], ["stuck", one.job.id]]);
});

Deno.test("Slot is not stuck while it is at work, is probed too early, or has nothing to start", () => {
  for (const [firstNumber, afterMs] of [[2, 100], [1, 99]] as const) {
    const { slot, write, worker, passMs } = openSlot();
    slot.send(makeOkRuns(1));
    write(Ready);
    slot.probeAtMs = passMs(0) + 100;
    passMs(afterMs);
    worker.onReturned(firstNumber);
    assert.deepEqual([slot.isStuck, slot.isSilent], [false, true]);
  }
  const { slot, write, worker, passMs } = openSlot();
  write(Ready);
  slot.isSilent = true;
  slot.probeAtMs = passMs(0);
  worker.onReturned(1);
  assert.deepEqual([slot.isStuck, slot.isSilent], [false, false]);
});

Deno.test("Slot that gave back what it had not started gets some time for what it is sent next, and not for ever", () => {
  const { slot, happened, write, worker, passMs } = openSlot();
  write(Ready);
  slot.send(makeOkRuns(1));
  slot.probeAtMs = passMs(0) + 100;
  passMs(99);
  worker.onReturned(1);
  assert.equal(slot.isStuck, false);
  slot.send(makeOkRuns(1));
  assert.equal(slot.isStalled, true, "it may be sent more");
  assert.equal(slot.probeAtMs, passMs(0) + 250);
  passMs(250);
  worker.onReturned(2);
  assert.equal((happened.at(-1) as unknown[])[0], "stuck");
});

Deno.test("Slot tells a worker that could not be started from one that died later", () => {
  const { slot, passMs } = openSlot();
  passMs(999);
  assert.equal(slot.couldStart, false);
  passMs(1);
  assert.equal(slot.couldStart, true);
  // What it was sent it could not even load.
  slot.send(makeOkRuns(1));
  assert.equal(slot.couldStart, false);
  const { slot: ready, write } = openSlot();
  write(Ready);
  assert.equal(ready.couldStart, true);
});
