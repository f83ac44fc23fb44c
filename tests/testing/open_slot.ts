// A slot whose worker is the test, and what it told the pool. For tests of the slot.

import { encodeFrame, encodeText, FrameKind } from "../../src/executor/wire/frames.ts";
import type { HostMessage } from "../../src/executor/wire/messages.ts";
import type { HandedRun, Run } from "../../src/executor/host/run.ts";
import { RunGroups } from "../../src/executor/host/run_groups.ts";
import { Slot } from "../../src/executor/host/slot.ts";
import type { SlotLoss } from "../../src/executor/host/slot_events.ts";
import type { WorkerEvents } from "../../src/executor/host/worker_handle.ts";
import type { Outcome } from "../../src/jobs/job.ts";
import { makeRun } from "./make_run.ts";

/** The time at which the slot is opened. */
export const startMs = 1_000_000;
/** Its grace period. */
export const killGraceMs = 500;

/** A slot whose worker is the test. */
export function openSlot(capacity = 1, onOutcome: (outcome: Outcome) => void = () => {}) {
  let worker!: WorkerEvents;
  let nowMs = startMs;
  const sent: HostMessage[] = [];
  const happened: unknown[] = [];
  const losses: SlotLoss[] = [];
  let takeBackCount = 0;
  let killCount = 0;
  const group = new RunGroups(new Map(), "worker").groupOf(makeRun("ok").task, "worker");
  const slot = new Slot(
    group,
    "worker",
    { capacity, maxResultBytes: 100, killGraceMs, now: () => nowMs },
    (events) => {
      worker = events;
      return {
        send: (message) => sent.push(JSON.parse(message)),
        sendRuns: (message) => sent.push(JSON.parse(message)),
        takeBack: () => takeBackCount += 1,
        beginRun: () => {},
        endRun: () => ({}),
        kill: () => killCount += 1,
        close: () => Promise.resolve(),
      };
    },
    {
      wakeAt: () => {},
      onLoaded: () => happened.push("loaded"),
      onOutcomes: (_slot, ended) =>
        happened.push(...ended.map(({ handed, outcome }) => {
          onOutcome(outcome);
          return [handed.run.job.id, outcome.resultJson ?? outcome.failureReason];
        })),
      onReturned: (_slot, returned) =>
        happened.push(["returned", ...returned.map(({ run }) => run.job.id)]),
      onOverdue: () => happened.push("overdue"),
      onWornOut: () => happened.push("worn out"),
      onLost(_slot, loss) {
        losses.push(loss);
        const { isStuck, killedFor, loadFailure, reason, running, waiting } = loss;
        happened.push([
          loadFailure === undefined
            ? "lost"
            : `lost: ${loadFailure.taskName} ${loadFailure.reason}`,
          reason,
          { running: idsOf(running), waiting: idsOf(waiting) },
          ...(killedFor === undefined
            ? []
            : [isStuck ? "stuck" : "overdue", ...idsOf([killedFor])]),
        ]);
      },
      onLog: (run, line) => happened.push(["log", run?.job.id, line.message]),
    },
  );
  let place = 0;
  return {
    slot,
    sent,
    happened,
    losses,
    worker: () => worker,
    send: (...runs: Run[]) =>
      slot.send(runs.map((run) => ({ run, place: ++place, sinceMs: nowMs })), () => 1),
    write: (kind: FrameKind, number = 0, text = "") =>
      worker.onBytes(encodeFrame(kind, number, 0, 0, encodeText(text))),
    /** Lets time pass, and has the slot look what is due. */
    passMs(ms: number) {
      nowMs += ms;
      slot.check(nowMs);
    },
    counts: () => ({ takeBackCount, killCount }),
  };
}

/** One that has loaded its tasks and started a first run. */
export function openReadySlot(capacity = 1) {
  const opened = openSlot(capacity);
  const { write, happened, send } = opened;
  write(FrameKind.Loaded);
  const [run] = makeOkRuns(1);
  send(run);
  write(FrameKind.Ready);
  happened.length = 0;
  return { ...opened, run };
}

function idsOf(runs: readonly HandedRun[]): string[] {
  return runs.map(({ run }) => run.job.id);
}

/** Runs of a task that returns at once. */
export function makeOkRuns(count: number): [Run, Run, Run] {
  return Array.from({ length: count }, () => makeRun("ok")) as [Run, Run, Run];
}
