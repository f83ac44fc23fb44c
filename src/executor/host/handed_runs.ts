// The runs that one worker was sent, from then until their ends are told: their numbers, deadlines and outcomes.
// Used by the slot.

import type { Outcome } from "../../jobs/job.ts";
import { type Frame, FrameKind } from "../wire/frames.ts";
import { type HostMessage, runMessage } from "../wire/messages.ts";
import { followingNumber } from "../wire/shared_ring.ts";
import type { EndedRun, HandedRun, PooledRun } from "./run.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** The runs of a worker, in the order in which it starts them. */
export class HandedRuns {
  /** How long those without an outcome should take, by the averages of their tasks, in milliseconds. */
  expectedMs = 0;
  readonly #capacity: number;
  readonly #handed = new Map<number, HandedRun>();
  readonly #settled = new Map<number, Outcome>();
  readonly #meter: Pick<WorkerHandle, "beginRun" | "endRun">;
  #nextNumber = 1;
  /** The number of the run that is being measured. */
  #measured: number | undefined;

  /** @param capacity how many the worker runs at once */
  constructor(capacity: number, meter: Pick<WorkerHandle, "beginRun" | "endRun">) {
    this.#capacity = capacity;
    this.#meter = meter;
  }

  /** How many the worker holds: running, waiting, or ended and not yet told. */
  get size(): number {
    return this.#handed.size;
  }

  /** Whether outcomes arrived that are not yet passed on: the frame `Flush` that confirms them has not come. */
  get hasSettled(): boolean {
    return this.#settled.size > 0;
  }

  /** Whether there is one without an outcome. */
  get hasUnfinished(): boolean {
    return this.#handed.size > this.#settled.size;
  }

  /** Adds runs; returns the number of the first one, and the message that hands them over. */
  add(
    runs: readonly PooledRun[],
    expectedMsOf: (run: PooledRun) => number,
    nowMs: number,
  ): { firstNumber: number; message: HostMessage } {
    const firstNumber = this.#nextNumber;
    const messages = runs.map((pooled) => {
      const number = this.#nextNumber;
      this.#nextNumber = followingNumber(number);
      const { run, place, sinceMs } = pooled;
      const expectedMs = expectedMsOf(pooled);
      this.expectedMs += expectedMs;
      this.#handed.set(number, {
        run,
        place,
        sinceMs,
        number,
        expectedMs,
        deadlineAtMs: Infinity,
        killAtMs: Infinity,
        startedAtMs: nowMs,
        abortReason: undefined,
        failureReason: undefined,
        trace: undefined,
        aliveAtMs: -Infinity,
        usage: {},
      });
      return runMessage(number, run.job, run.timeoutMs);
    });
    return { firstNumber, message: { kind: "run", runs: messages } };
  }

  /** The run of that number, if it is held. */
  get(number: number): HandedRun | undefined {
    return this.#handed.get(number);
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

  /** Every run that has no outcome yet. */
  unfinished(): HandedRun[] {
    return [...this.#handed.values()].filter(({ number }) => !this.#settled.has(number));
  }

  /** Starts the time of runs that have become the next to run; the earliest of these deadlines, else Infinity. */
  setDeadlines(nowMs: number): number {
    let earliestAtMs = Infinity;
    for (const handed of this.running()) {
      if (handed.deadlineAtMs < Infinity) continue;
      handed.startedAtMs = nowMs;
      handed.deadlineAtMs = nowMs + handed.run.timeoutMs;
      earliestAtMs = Math.min(earliestAtMs, handed.deadlineAtMs);
    }
    this.#measureNext();
    return earliestAtMs;
  }

  /** Gives the runs that are past their deadlines so long to end; when the first must have, Infinity if none is new. */
  markOverdue(nowMs: number, graceMs: number): number {
    let killAtMs = Infinity;
    for (const handed of this.running()) {
      if (nowMs < handed.deadlineAtMs || handed.killAtMs < Infinity) continue;
      killAtMs = handed.killAtMs = nowMs + graceMs;
    }
    return killAtMs;
  }

  /** Keeps the stack of a failure, for its outcome. */
  keepTrace({ number, text }: Frame): void {
    const handed = this.#handed.get(number);
    if (handed !== undefined) handed.trace = text;
  }

  /** Notes the outcome of a frame `Completed` or `Failed`; false: its run is not held. */
  settle(frame: Frame): boolean {
    const handed = this.#handed.get(frame.number);
    if (handed === undefined) return false;
    if (!this.#settled.has(frame.number)) this.expectedMs -= handed.expectedMs;
    this.#endMeasuring(handed);
    const isCompleted = frame.kind === FrameKind.Completed;
    // A failure that comes for a run that is settled and not yet told takes the outcome's place.
    this.#settled.set(frame.number, {
      status: isCompleted ? "COMPLETED" : "FAILED",
      resultJson: isCompleted && frame.text !== "" ? frame.text : undefined,
      failureReason: isCompleted ? undefined : frame.text,
      ...(isCompleted || handed.trace === undefined ? {} : { trace: handed.trace }),
      startedAtMs: frame.startedAtMs,
      durationMs: frame.durationMs,
      ...handed.usage,
    });
    // It runs already.
    this.#measureNext();
    return true;
  }

  /** The worker is lost: what its run used is what it had used by now. */
  endMeasuring(): void {
    for (const handed of this.running()) this.#endMeasuring(handed);
  }

  #measureNext(): void {
    const [next] = this.running();
    if (next === undefined || this.#measured !== undefined) return;
    this.#measured = next.number;
    this.#meter.beginRun();
  }

  #endMeasuring(handed: HandedRun): void {
    if (handed.number !== this.#measured) return;
    this.#measured = undefined;
    const usage = this.#meter.endRun();
    // Of a worker that runs several at once nobody can tell which one used it.
    if (this.#capacity === 1) handed.usage = usage;
  }

  /** Takes out the runs with an outcome. */
  takeSettled(): EndedRun[] {
    const ended: EndedRun[] = [];
    for (const [number, outcome] of this.#settled) {
      ended.push({ handed: this.#handed.get(number) as HandedRun, outcome });
      this.#handed.delete(number);
    }
    this.#settled.clear();
    if (this.#handed.size === 0) this.expectedMs = 0;
    return ended;
  }

  /** Takes out every run. */
  takeAll(): HandedRun[] {
    const [first] = this.#handed.keys();
    return first === undefined ? [] : this.takeFrom(first);
  }

  /** Takes out the run of that number and all that were sent after it. */
  takeFrom(firstNumber: number): HandedRun[] {
    const taken: HandedRun[] = [];
    for (const handed of this.#handed.values()) {
      if (taken.length > 0 || handed.number === firstNumber) taken.push(handed);
    }
    for (const handed of taken) {
      this.#endMeasuring(handed);
      this.#handed.delete(handed.number);
      this.expectedMs -= handed.expectedMs;
    }
    if (this.#handed.size === 0) this.expectedMs = 0;
    return taken;
  }
}
