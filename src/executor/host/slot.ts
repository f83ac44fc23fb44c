// One worker of the pool and the runs that it holds. The slot is a state machine (slot_states.ts): it reads the frames
// of its worker, watches deadlines and signs of life, and tells the pool what became of each run.

import { type Frame, FrameKind } from "../wire/frames.ts";
import type { HostMessage } from "../wire/messages.ts";
import type { TaskLogLine } from "../worker/task_run.ts";
import { FrameReader } from "./frame_reader.ts";
import { HandedRuns } from "./handed_runs.ts";
import { readLoadFailure, readLoadStep } from "./load_failure.ts";
import { Progress } from "./progress.ts";
import type { EndedRun, HandedRun, PooledRun } from "./run.ts";
import type { Isolation, RunGroup } from "./run_groups.ts";
import { SignsOfLife } from "./signs_of_life.ts";
import type { SlotEvents, SlotOptions } from "./slot_events.ts";
import { type SlotState, slotTransitions } from "./slot_states.ts";
import { WorkerStart } from "./worker_start.ts";
import type { WorkerEvents, WorkerHandle } from "./worker_handle.ts";

/** How long a worker with a late run may take to tell whether that has started. */
const maxAnswerMs = 500;

/** A worker and its runs. */
export class Slot {
  readonly group: RunGroup;
  readonly isolation: Isolation;
  /** When its worker was started. */
  readonly openedAtMs: number;
  /** When it was last sent a run. */
  usedAtMs: number;
  /** What ran in its worker left too much behind: it is to be replaced. */
  isWornOut = false;
  readonly #options: SlotOptions;
  readonly #events: SlotEvents<Slot>;
  readonly #runs: HandedRuns;
  readonly #frames: FrameReader;
  readonly #handle: WorkerHandle;
  #state: SlotState = "starting";
  readonly #start: WorkerStart;
  readonly #progress = new Progress();
  readonly #signs = new SignsOfLife();
  #askedAtMs = Infinity;
  /** An outcome arrived, but the frame `Flush` that confirms it has not. */
  #isMidTurn = false;
  #lastEnded: HandedRun | undefined;
  #killedFor: HandedRun | undefined;
  #isStuck = false;

  constructor(
    group: RunGroup,
    isolation: Isolation,
    options: SlotOptions,
    openWorker: (events: WorkerEvents) => WorkerHandle,
    events: SlotEvents<Slot>,
  ) {
    this.group = group;
    this.isolation = isolation;
    this.#options = options;
    this.#events = events;
    this.#frames = new FrameReader(options.maxResultBytes);
    this.openedAtMs = this.usedAtMs = options.now();
    this.#start = new WorkerStart(this.openedAtMs);
    this.#handle = openWorker({
      onBytes: (bytes) => this.#read(bytes),
      onReturned: (firstNumber) => this.#return(firstNumber),
      onWornOut: () => this.#wearOut(),
      onLost: (reason) => this.#lose(reason),
    });
    this.#runs = new HandedRuns(options.capacity, this.#handle);
    events.wakeAt(this.#start.limitMs);
  }

  get state(): SlotState {
    return this.#state;
  }

  /** Whether it has what it needs for its first run; before that none has started. */
  get isReady(): boolean {
    return this.#start.isReady;
  }

  /** How many runs it holds: running, waiting, or ended and not yet told. */
  get size(): number {
    return this.#runs.size;
  }

  /** How long what it holds should take, by the averages of the tasks, in milliseconds. */
  get expectedMs(): number {
    return this.#runs.expectedMs;
  }

  /** How many places for running runs it takes up. */
  get runningCount(): number {
    return Math.min(this.#runs.size, this.#options.capacity);
  }

  /** Whether it may be sent as many runs as it runs at once. */
  get isOpen(): boolean {
    const isSlow = this.#state === "stalled" || this.#state === "suspect";
    return this.takesAhead || (isSlow && !this.isWornOut);
  }

  /** Whether it may be open within a moment: its worker loads, or is to answer. */
  opensSoon(nowMs: number): boolean {
    return this.#state === "starting" ||
      (this.#state === "taking_back" && nowMs < this.#askedAtMs + maxAnswerMs);
  }

  /** Whether it may be sent more than it runs at once. */
  get takesAhead(): boolean {
    return (this.#state === "idle" || this.#state === "running") && !this.isWornOut;
  }

  /** The runs that the worker runs now, or will as its very next step. */
  running(): HandedRun[] {
    return this.#runs.running();
  }

  /** Every run that has no outcome yet. */
  unfinished(): HandedRun[] {
    return this.#runs.unfinished();
  }

  /** Sends runs to an open slot. */
  send(runs: readonly PooledRun[], expectedMsOf: (run: PooledRun) => number): void {
    const nowMs = this.#options.now();
    this.usedAtMs = nowMs;
    if (this.#state === "idle") this.#move("running");
    if (this.#runs.size === 0) this.#signs.giveTimeToStart(nowMs);
    this.#signs.expect(nowMs);
    const { firstNumber, message } = this.#runs.add(runs, expectedMsOf, nowMs);
    this.#handle.sendRuns(JSON.stringify(message), firstNumber);
    this.#start.noteSent(nowMs);
    if (this.isReady) this.#watch(nowMs);
    else this.#events.wakeAt(this.#start.limitMs);
  }

  /** Aborts a run: it comes back if it has not started, and else must be at rest within the grace period. */
  abort(handed: HandedRun, reason: string): void {
    const isAborted = handed.abortReason !== undefined;
    handed.abortReason ??= reason;
    if (isAborted || this.#state === "ending") return;
    handed.deadlineAtMs = this.#options.now();
    // A worker forgets the abort of a run that it has not started: from now on that cannot start.
    this.takeBack();
    const message: HostMessage = { kind: "abort", number: handed.number, reason };
    this.#handle.send(JSON.stringify(message));
  }

  /** Asks for what has not started: `onReturned` follows, and `onOutcomes` for what is finished. */
  takeBack(): void {
    const isAsked = this.#state === "taking_back" || this.#state === "ending";
    if (isAsked || this.#runs.size === 0) return;
    this.#ask();
  }

  /** Takes all runs out of the slot, ended or not: no event about them follows. */
  release(): { readonly ended: readonly EndedRun[]; readonly unfinished: readonly HandedRun[] } {
    const ended = this.#runs.takeSettled();
    return { ended, unfinished: this.#runs.takeAll() };
  }

  /** Ends the worker. Nothing more is told. Resolves when it is gone. */
  close(): Promise<void> {
    if (this.#state !== "ending") this.#move("ending");
    return this.#handle.close();
  }

  /** Looks what is due at this time. The pool calls it when the slot asked for it, or more often. */
  check(nowMs: number): void {
    if (this.#state === "ending") return;
    if (!this.isReady) return this.#checkStart(nowMs);
    this.#checkDeadlines(nowMs);
    if (this.#state === "taking_back" || this.#state as SlotState === "ending") return;
    this.#checkProgress(nowMs);
    this.#checkLife(nowMs);
  }

  #checkStart(nowMs: number): void {
    if (nowMs < this.#start.limitMs) return this.#events.wakeAt(this.#start.limitMs);
    this.#start.giveUp();
    this.#end();
  }

  #checkDeadlines(nowMs: number): void {
    let nextAtMs = Infinity;
    for (const handed of this.#runs.running()) {
      if (nowMs >= handed.killAtMs) {
        this.#killedFor = handed;
        return this.#end();
      }
      const { deadlineAtMs, killAtMs } = handed;
      if (killAtMs < Infinity) nextAtMs = Math.min(nextAtMs, this.#checkGrace(killAtMs, nowMs));
      else if (nowMs < deadlineAtMs) nextAtMs = Math.min(nextAtMs, deadlineAtMs);
      // What has not started is not overdue: the answer will tell.
      else if (this.#state !== "taking_back") return this.#ask();
      // A process that is frozen answers nothing.
      else if (nowMs >= this.#askedAtMs + maxAnswerMs) return this.#markOverdue(nowMs);
      else nextAtMs = Math.min(nextAtMs, this.#askedAtMs + maxAnswerMs);
    }
    if (nextAtMs < Infinity) this.#events.wakeAt(nextAtMs);
  }

  /** Most tasks heed their signal at once: only a while later somebody else should get ready. When to look again. */
  #checkGrace(killAtMs: number, nowMs: number): number {
    const tellAtMs = killAtMs - this.#options.killGraceMs * 3 / 4;
    if (nowMs < tellAtMs) return tellAtMs;
    this.#events.onOverdue(this);
    return killAtMs;
  }

  /** Counted from now: if this process was paused, its workers had no time to answer, either. */
  #markOverdue(nowMs: number): void {
    const killAtMs = this.#runs.markOverdue(nowMs, this.#options.killGraceMs);
    if (killAtMs < Infinity) this.#events.wakeAt(this.#checkGrace(killAtMs, nowMs));
  }

  #checkProgress(nowMs: number): void {
    if (this.#runs.size <= this.#options.capacity) this.#progress.end();
    else if (this.#progress.isStalled(nowMs)) return this.#ask();
    this.#events.wakeAt(this.#progress.nextMs);
  }

  #checkLife(nowMs: number): void {
    if (this.#state === "taking_back") return;
    const nextMs = this.#signs.check(nowMs);
    if (this.#signs.isOver(nowMs)) return this.#ask();
    if (this.#signs.isSuspect && this.#state !== "suspect") this.#move("suspect");
    if (nextMs < Infinity) this.#events.wakeAt(nextMs);
  }

  /** After runs were sent, or became the next to run. */
  #watch(nowMs: number): void {
    const deadlineAtMs = this.#runs.setDeadlines(nowMs);
    if (deadlineAtMs < Infinity) this.#events.wakeAt(deadlineAtMs);
    const isAhead = this.#runs.size > this.#options.capacity;
    if (isAhead && this.#progress.nextMs === Infinity) this.#progress.expect(nowMs);
    this.#events.wakeAt(Math.min(this.#progress.nextMs, this.#signs.nextMs));
  }

  #read(bytes: Uint8Array): void {
    this.#frames.read(bytes, (frame) => this.#take(frame));
    if (this.#state === "stalled") this.#tellOutcomes();
  }

  #take(frame: Frame): void {
    switch (frame.kind) {
      case FrameKind.Completed:
      case FrameKind.Failed:
        if (!this.#runs.settle(frame)) return;
        this.#progress.note();
        this.#isMidTurn = true;
        return this.#signs.expect(this.#options.now());
      case FrameKind.Flush:
        return this.#endTurn();
      case FrameKind.Log: {
        const run = this.#runs.get(frame.number)?.run;
        return this.#events.onLog(run, JSON.parse(frame.text) as TaskLogLine);
      }
      case FrameKind.Trace:
        return this.#runs.keepTrace(frame);
      case FrameKind.Aborting:
        return this.#expectEnd(frame);
      case FrameKind.Loading:
        this.#start.noteStep(readLoadStep(JSON.parse(frame.text)), this.#options.now());
        return this.#events.wakeAt(this.#start.limitMs);
      case FrameKind.Loaded:
        if (this.#state !== "starting") return;
        this.#start.noteLoaded();
        this.#handle.endRun();
        this.#move("idle");
        return this.#events.onLoaded(this);
      case FrameKind.LoadFailed:
        this.#start.loadFailure = readLoadFailure(JSON.parse(frame.text));
        return this.#end();
      case FrameKind.Ready:
        this.#start.noteReady();
        this.#showLife();
        return this.#watch(this.#options.now());
    }
  }

  #endTurn(): void {
    this.#isMidTurn = false;
    this.#showLife();
    if (this.#state === "running" || this.#state === "stalled" || this.#state === "suspect") {
      const next = this.#runs.hasUnfinished ? "running" : "idle";
      if (next !== this.#state) this.#move(next);
    }
    this.#tellOutcomes();
  }

  #showLife(): void {
    this.#signs.note(this.#options.now(), this.#runs.hasUnfinished);
    if (this.#state === "suspect") this.#move(this.#runs.size > 0 ? "running" : "idle");
  }

  /** The worker fails the run: from now on its task has the grace period to come to rest. */
  #expectEnd({ number, text }: Frame): void {
    this.#showLife();
    const handed = this.#runs.get(number);
    if (handed === undefined) return;
    const nowMs = this.#options.now();
    handed.failureReason ??= text;
    handed.deadlineAtMs = Math.min(handed.deadlineAtMs, nowMs);
    // What is found where the worker is ended proves nothing: it could not even say that there is something.
    if (this.#state === "ending") return;
    // A busy machine may have kept the abort from the task for a while: the grace period begins anew, once.
    if (handed.aliveAtMs === -Infinity) handed.killAtMs = Infinity;
    handed.aliveAtMs = nowMs;
    this.#markOverdue(nowMs);
  }

  #tellOutcomes(): void {
    if (!this.#runs.hasSettled) return;
    const ended = this.#runs.takeSettled();
    this.#lastEnded = ended.at(-1)?.handed;
    if (this.#state !== "ending") this.#watch(this.#options.now());
    this.#events.onOutcomes(this, ended);
  }

  #ask(): void {
    this.#move("taking_back");
    this.#askedAtMs = this.#options.now();
    if (this.isReady) this.#events.wakeAt(this.#askedAtMs + maxAnswerMs);
    this.#handle.takeBack();
  }

  #return(firstNumber: number): void {
    const returned = this.#runs.takeFrom(firstNumber);
    if (this.#state === "taking_back") this.#judge(returned);
    this.#events.onReturned(this, returned);
    this.#tellOutcomes();
    if (!this.#isStuck || this.#killedFor !== undefined) return;
    this.#killedFor = this.#lastEnded ?? returned[0];
    this.#handle.kill();
  }

  /** What a worker gives back shows whether it is at work, and a suspect one whether it is stuck. */
  #judge(returned: readonly HandedRun[]): void {
    const nowMs = this.#options.now();
    const isOwing = returned.length > 0 || this.#runs.hasSettled;
    if (this.#runs.hasUnfinished || !isOwing) this.#showLife();
    this.#progress.end();
    this.#isStuck = this.#signs.isOver(nowMs);
    if (this.#isStuck) return this.#move("ending");
    if (this.#signs.isSuspect) this.#move("suspect");
    else this.#move(this.#runs.size > 0 || isOwing ? "stalled" : "idle");
    this.#markOverdue(nowMs);
    // While the slot waited for the answer, nothing else was checked.
    this.#events.wakeAt(nowMs);
  }

  /** Ends the worker. What it had written is still read, and then the slot is lost. */
  #end(): void {
    this.#move("ending");
    this.#handle.kill();
  }

  #wearOut(): void {
    if (this.isWornOut || this.#state === "ending") return;
    this.isWornOut = true;
    this.takeBack();
    this.#events.onWornOut(this);
  }

  #lose(reason: string): void {
    this.#runs.endMeasuring();
    const couldStart = this.#start.couldStart(this.#runs.size === 0, this.#options.now());
    if (this.#state !== "ending") this.#move("ending");
    this.#tellOutcomes();
    const running = this.isReady ? this.#runs.running() : [];
    this.#events.onLost(this, {
      reason: this.#start.problem ?? reason,
      loadFailure: this.#start.loadFailure,
      hasHung: this.#start.hasHung,
      couldStart,
      running,
      waiting: this.#runs.unfinished().filter((handed) => !running.includes(handed)),
      killedFor: this.#killedFor,
      isStuck: this.#isStuck,
      isMidTurn: this.#isMidTurn,
    });
  }

  #move(next: SlotState): void {
    if (slotTransitions[this.#state][next] === undefined) {
      throw new Error(`Cannot move a slot from ${this.#state} to ${next}`);
    }
    this.#state = next;
  }
}
