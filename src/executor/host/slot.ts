// One worker of the pool and the runs that it holds: numbers them, reads its frames, and tells the
// pool what became of each, and whether the worker is stuck. What follows from it the pool decides.

import { steadyNow } from "../../clock.ts";
import type { Job, Outcome } from "../../jobs/job.ts";
import type { TaskDescription } from "../../tasks/description.ts";
import { type Frame, FrameKind, readFrames } from "../wire/frames.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import { type HostMessage, runMessage, timeoutReason } from "../wire/messages.ts";
import { followingNumber } from "../wire/shared_ring.ts";
import type { TaskLogLine } from "../worker/task_run.ts";
import type { WorkerEvents, WorkerHandle } from "./worker_handle.ts";

/** A claimed job on its way through the pool. */
export interface Run {
  readonly job: Job;
  readonly task: TaskDescription;
  /** How long the task may run, in milliseconds; always more than 0. */
  readonly timeoutMs: number;
}

/** A run that a slot's worker has been sent. */
export interface HandedRun {
  readonly run: Run;
  readonly number: number;
  /** When its task must be at rest; Infinity until the run is among those that the worker runs now. */
  deadlineAtMs: number;
  /** When its worker is ended; Infinity until the host sees it overdue. */
  killAtMs: number;
  /** When it became one of those, as far as the host can tell. */
  startedAtMs: number;
  /** Why the host aborted it; undefined: it did not. */
  abortReason: string | undefined;
  /** Why the worker means to fail it, once its task is at rest. */
  failureReason: string | undefined;
  /** The stack of its failure, once the worker has told it. */
  trace: string | undefined;
  /** When the worker last told so, which it does again and again: a thread that spins cannot. */
  aliveAtMs: number;
}

/** Why a run that had to be ended failed. */
export function reasonOf({ run, abortReason, failureReason }: HandedRun): string {
  return abortReason ?? failureReason ?? timeoutReason(run.timeoutMs);
}

/** The outcome of a run that its worker can no longer tell; `startedAtMs` is of {@link steadyNow}. */
export function failedOutcome(
  { startedAtMs }: { readonly startedAtMs: number },
  failureReason: string,
): Outcome {
  return {
    status: "FAILED",
    resultJson: undefined,
    failureReason,
    startedAtMs: Math.round(startedAtMs),
    durationMs: steadyNow() - startedAtMs,
  };
}

/** What the pool hears of a slot. */
export interface SlotEvents {
  onReady(slot: Slot): void;
  onOutcomes(slot: Slot, ended: readonly { handed: HandedRun; outcome: Outcome }[]): void;
  /** Runs that had not started are the pool's again, in their order; none if all had. */
  onReturned(slot: Slot, returned: readonly HandedRun[]): void;
  /** A run fails and must be at rest within the grace period. */
  onAborting(handed: HandedRun): void;
  /** The worker owes a sign of life: it is to be watched until `isSilent` is over. */
  onSilent(): void;
  /** The worker starts nothing and ends nothing; `last` is the run that it ended last. */
  onStuck(slot: Slot, last: HandedRun): void;
  onLost(slot: Slot, reason: string): void;
  onLog(run: Run | undefined, line: TaskLogLine): void;
}

/** An idle worker that has lived so long could be started, whatever it dies of. */
const minLifeMs = 1_000;
/** However long it was silent before, a worker has this time to start what it is sent. */
const minStartMs = 250;
/** What is sent to the worker may come back this much larger: JSON escapes, and the frame around it. */
const frameOverheadBytes = 64 * 1024;

/** A worker and its runs. */
export class Slot {
  readonly group: string;
  isReady = false;
  /** The pool sends it nothing more: it makes room for another group as soon as it is idle. */
  isRetiring = false;
  /** It was asked for what it has not started: what is sent before the answer would count as returned. */
  isTakingBack = false;
  /** Counts outcomes, for the pool to see whether anything moves. */
  progress = 0;
  /**
   * It gave back what it had not started and has told of no outcome since: outcomes are taken as they come,
   * because it may not get to say that they stand, and nothing is sent ahead.
   */
  isStalled = false;
  /**
   * It owes a sign that its event loop turns: it has runs, or has told of an outcome and not that this stands.
   * What an earlier task left behind may keep it busy for ever.
   */
  isSilent = false;
  /** When a worker that is still silent is asked what it has started; Infinity: that is not yet known. */
  probeAtMs: number = Infinity;
  /** It has told of an outcome and not that this stands. */
  isMidTurn = false;
  /** The run because of which the worker is being ended. */
  killedFor: HandedRun | undefined;
  /** What that run did wrong it did after its end. */
  isStuck = false;
  readonly #capacity: number;
  readonly #maxFrameBytes: number;
  readonly #events: SlotEvents;
  readonly #now: () => number;
  readonly #handed = new Map<number, HandedRun>();
  readonly #settled = new Map<number, Outcome>();
  readonly #handle: WorkerHandle;
  readonly #openedAtMs: number;
  #nextNumber = 1;
  #last: HandedRun | undefined;
  /** It gave back a run that it had not started within the timeout of that. */
  #wasLate = false;
  /** The beginning of a frame whose end has not come. */
  #rest: GrowingBytes | undefined;

  constructor(
    group: string,
    options: { readonly capacity: number; readonly maxResultBytes: number },
    openWorker: (events: WorkerEvents) => WorkerHandle,
    events: SlotEvents,
    now: () => number,
  ) {
    this.group = group;
    this.#capacity = options.capacity;
    this.#maxFrameBytes = options.maxResultBytes + frameOverheadBytes;
    this.#events = events;
    this.#now = now;
    this.#openedAtMs = now();
    this.#handle = openWorker({
      onBytes: (bytes) => this.#read(bytes),
      onReturned: (firstNumber) => this.#return(firstNumber),
      onLost: (reason) => {
        this.#flush();
        events.onLost(this, reason);
      },
    });
  }

  /** Whether its worker could be started, which an idle one shows by living for a while. */
  get couldStart(): boolean {
    const hasLived = this.#now() - this.#openedAtMs >= minLifeMs;
    return this.isReady || (hasLived && this.#handed.size === 0);
  }

  /** Whether a run has passed its deadline that was not seen overdue before. */
  isLate(): boolean {
    const nowMs = this.#now();
    return this.running().some((one) => nowMs >= one.deadlineAtMs && one.killAtMs === Infinity);
  }

  /** Whether its worker is being ended: it must not be sent anything more. */
  get isEnding(): boolean {
    return this.killedFor !== undefined || this.isStuck;
  }

  /** How many runs the worker holds: running, waiting, or finished and not yet reported. */
  get size(): number {
    return this.#handed.size;
  }

  /** The runs that the worker runs now, or will as its very next step. */
  running(): HandedRun[] {
    const running: HandedRun[] = [];
    for (const handed of this.#handed.values()) {
      if (running.length === this.#capacity) break;
      if (!this.#settled.has(handed.number)) running.push(handed);
    }
    return running;
  }

  /** Every run that it holds and that has no outcome yet, in their order. */
  unfinished(): HandedRun[] {
    return [...this.#handed.values()].filter((handed) => !this.#settled.has(handed.number));
  }

  /** Sends runs; the earliest deadline among those that run now, Infinity if none is new. */
  send(runs: readonly Run[]): number {
    if (this.#handed.size === 0) {
      // One that has given back what it did not start may be stuck: it gets no more than it would run.
      if (!this.isSilent) this.isStalled = false;
      else if (this.probeAtMs < Infinity && !this.#wasLate) {
        this.probeAtMs = Math.max(this.probeAtMs, this.#now() + minStartMs);
      }
    }
    this.isSilent = true;
    this.#events.onSilent();
    const firstNumber = this.#nextNumber;
    const messages = runs.map((run) => {
      const number = this.#nextNumber;
      this.#nextNumber = followingNumber(number);
      this.#handed.set(number, {
        run,
        number,
        deadlineAtMs: Infinity,
        killAtMs: Infinity,
        startedAtMs: this.#now(),
        abortReason: undefined,
        failureReason: undefined,
        trace: undefined,
        aliveAtMs: -Infinity,
      });
      return runMessage(number, run.job, run.timeoutMs);
    });
    const message: HostMessage = { kind: "run", runs: messages };
    this.#handle.sendRuns(JSON.stringify(message), firstNumber);
    return this.setDeadlines();
  }

  /** Aborts a run: it comes back if it has not started, and else must be at rest within the pool's grace. */
  abort(handed: HandedRun, reason: string): void {
    handed.abortReason = reason;
    handed.deadlineAtMs = this.#now();
    // A worker forgets the abort of a run that it has not started: from now on that cannot start.
    this.takeBack();
    const message: HostMessage = { kind: "abort", number: handed.number, reason };
    this.#handle.send(JSON.stringify(message));
  }

  /** Reports what is finished and takes back what has not started: `onOutcomes`, `onReturned`. */
  takeBack(): void {
    if (this.isTakingBack) return;
    this.isTakingBack = true;
    this.#handle.takeBack();
  }

  /**
   * Ends the worker because of a run that does not come to rest. What it had written is still read, and then
   * the slot is lost: what is unfinished then did not finish.
   */
  kill(overdue: HandedRun): void {
    if (this.killedFor !== undefined) return;
    this.killedFor = overdue;
    this.isRetiring = true;
    this.#handle.kill();
  }

  /** Ends the worker. The runs that it still holds are the caller's to settle. */
  close(): Promise<void> {
    this.#flush();
    return this.#handle.close();
  }

  /** Starts the time of runs that have become the next to run; the earliest of these deadlines. */
  setDeadlines(): number {
    let earliestAtMs = Infinity;
    // Until the worker is ready nothing runs: a slow start must not use up the time of a task.
    if (!this.isReady) return earliestAtMs;
    let running = 0;
    for (const handed of this.#handed.values()) {
      if (running === this.#capacity) break;
      if (this.#settled.has(handed.number)) continue;
      running += 1;
      if (handed.deadlineAtMs === Infinity) {
        handed.startedAtMs = this.#now();
        handed.deadlineAtMs = handed.startedAtMs + handed.run.timeoutMs;
        earliestAtMs = Math.min(earliestAtMs, handed.deadlineAtMs);
      }
    }
    return earliestAtMs;
  }

  #read(bytes: Uint8Array): void {
    const whole = this.#rest?.append(bytes) ?? bytes;
    const used = readFrames(whole, this.#maxFrameBytes, (frame) => this.#take(frame));
    if (used === whole.length) {
      this.#rest = undefined;
    } else if (this.#rest === undefined) {
      this.#rest = new GrowingBytes();
      this.#rest.append(whole.subarray(used));
    } else if (used > 0) {
      this.#rest.keepFrom(used);
    }
    if (this.isStalled) this.#flush();
    if (this.isSilent) this.#events.onSilent();
  }

  #take(frame: Frame): void {
    switch (frame.kind) {
      case FrameKind.Completed:
      case FrameKind.Failed:
        return this.#settle(frame);
      case FrameKind.Flush:
        this.isStalled = false;
        this.isMidTurn = false;
        this.#showLife();
        return this.#flush();
      case FrameKind.Log:
        return this.#log(frame);
      case FrameKind.Trace:
        return this.#keepTrace(frame);
      case FrameKind.Aborting:
        return this.#expectEnd(frame);
      case FrameKind.LoadFailed:
        return this.#handle.kill();
      case FrameKind.Ready:
        this.isReady = true;
        // Now it must start what it was sent.
        this.#events.onSilent();
        return this.#events.onReady(this);
    }
  }

  #showLife(): void {
    this.isSilent = this.#handed.size > this.#settled.size;
    this.probeAtMs = Infinity;
  }

  #keepTrace({ number, text }: Frame): void {
    const handed = this.#handed.get(number);
    if (handed !== undefined) handed.trace = text;
  }

  /** The worker fails the run: from now on its task has the grace period to come to rest. */
  #expectEnd({ number, text }: Frame): void {
    this.#showLife();
    const handed = this.#handed.get(number);
    if (handed === undefined) return;
    // What is found where the worker is ended proves nothing: it could not even say that there is something.
    if (this.killedFor === undefined) handed.aliveAtMs = this.#now();
    handed.failureReason ??= text;
    handed.deadlineAtMs = Math.min(handed.deadlineAtMs, this.#now());
    this.#events.onAborting(handed);
  }

  #settle(frame: Frame): void {
    // A failure that comes for a run that is settled and not yet reported takes the outcome's place.
    const handed = this.#handed.get(frame.number);
    if (handed === undefined) return;
    this.progress += 1;
    this.isSilent = true;
    this.isMidTurn = true;
    const isCompleted = frame.kind === FrameKind.Completed;
    this.#settled.set(frame.number, {
      status: isCompleted ? "COMPLETED" : "FAILED",
      resultJson: isCompleted && frame.text !== "" ? frame.text : undefined,
      failureReason: isCompleted ? undefined : frame.text,
      ...(isCompleted || handed.trace === undefined ? {} : { trace: handed.trace }),
      startedAtMs: frame.startedAtMs,
      durationMs: frame.durationMs,
    });
  }

  #flush(): void {
    if (this.#settled.size === 0) return;
    const ended: { handed: HandedRun; outcome: Outcome }[] = [];
    for (const [number, outcome] of this.#settled) {
      this.#last = this.#handed.get(number) as HandedRun;
      ended.push({ handed: this.#last, outcome });
      this.#handed.delete(number);
    }
    this.#settled.clear();
    this.#events.onOutcomes(this, ended);
  }

  #return(firstNumber: number): void {
    this.isTakingBack = false;
    const returned: HandedRun[] = [];
    let isReturned = false;
    for (const handed of this.#handed.values()) {
      isReturned ||= handed.number === firstNumber;
      if (isReturned) returned.push(handed);
    }
    for (const handed of returned) this.#handed.delete(handed.number);
    this.isStalled = true;
    this.#judge(returned);
    if (this.isStuck) this.isRetiring = true;
    this.#events.onReturned(this, returned);
    this.#flush();
    if (this.isStuck) this.#events.onStuck(this, this.#last ?? returned[0] as HandedRun);
    else if (this.isSilent) this.#events.onSilent();
  }

  /** What a silent worker gives back shows whether it is at work or stuck. */
  #judge(returned: readonly HandedRun[]): void {
    const isAtWork = this.#handed.size > this.#settled.size;
    const isOwing = returned.length > 0 || this.#settled.size > 0;
    const nowMs = this.#now();
    this.#wasLate = returned.some((one) =>
      one.deadlineAtMs <= nowMs && one.abortReason === undefined
    );
    if (isAtWork || !isOwing) return this.#showLife();
    if (this.isSilent && nowMs >= this.probeAtMs) this.isStuck = true;
  }

  #log(frame: Frame): void {
    const line = JSON.parse(frame.text) as TaskLogLine;
    this.#events.onLog(this.#handed.get(frame.number)?.run, line);
  }
}
