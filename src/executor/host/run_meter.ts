// Measures what runs in a runner process use: CPU time and peak memory. The process reads both when it is
// asked, and it is asked only while a run runs, so an idle runner does nothing.
// Used by runner_process.ts, which asks and passes the answers on.

import { endsWithin, startTimer } from "../../clock.ts";
import type { RunnerUsage } from "./runner_messages.ts";
import type { RunUsage } from "./worker_handle.ts";

/** While a run runs, its memory is read so often: a task that allocates at once is stopped this late. */
const sampleMs = 50;
/** Shorter runs are not measured for themselves: a reading that is not older is the begin of the next one as well. */
const minRunMs = 20;
/** Readings that frames cause do not follow each other sooner. */
const minGapMs = 5;
/** A process that does not answer within this time holds an outcome up no longer. */
const maxAnswerMs = 250;

/** What the meter hears and tells. */
export interface RunMeterOptions {
  readonly maxMemoryBytes: number;
  /** Asks the process for a reading, which then comes to `take`. */
  readonly ask: () => void;
  /** The run uses more memory than it may. */
  readonly onExceeded: (usedBytes: number) => void;
  /** Earlier runs left so much memory behind that the next one has too little. Comes again while that is so. */
  readonly onWornOut: () => void;
}

/** Measures the runs of one process, which starts as if one ran: loading its tasks takes memory, too. */
export class RunMeter {
  readonly #options: RunMeterOptions;
  #isRunning = true;
  #isWatching = false;
  #isRefreshing = false;
  #isClosed = false;
  /** Whether a reading showed too much memory, which another one is to confirm. */
  #isSuspect = false;
  #askedAtMs = -Infinity;
  #beganAtMs = performance.now();
  #answer: PromiseWithResolvers<void> | undefined;
  #last: RunnerUsage | undefined;
  /** The reading from which the run counts; undefined: the next one. */
  #begin: RunnerUsage | undefined;
  #peakBytes = 0;
  /** The memory of the process when its first run began. */
  #freshBytes: number | undefined;

  constructor(options: RunMeterOptions) {
    this.#options = options;
    this.#watch();
  }

  /** A run begins: what the process uses from now on is the run's. */
  beginRun(): void {
    const nowMs = performance.now();
    const isRecent = this.#freshBytes !== undefined && nowMs - this.#askedAtMs < minRunMs;
    this.#isRunning = true;
    this.#beganAtMs = nowMs;
    this.#begin = isRecent && this.#answer === undefined ? this.#last : undefined;
    this.#peakBytes = this.#begin?.memoryBytes ?? 0;
    this.#isSuspect = false;
    if (!isRecent) this.#ask();
    this.#watch();
  }

  /** The run ended, or none is there to begin; what it used by the last reading since its begin. */
  endRun(): RunUsage {
    const [begin, last] = [this.#begin, this.#last];
    this.#isRunning = false;
    this.#begin = undefined;
    const isMeasured = begin !== last && performance.now() - this.#beganAtMs >= minRunMs;
    if (!isMeasured || begin?.cpuMs === undefined || last?.cpuMs === undefined) return {};
    return {
      cpuMs: Math.round(last.cpuMs - begin.cpuMs),
      peakMemoryBytes: this.#peakBytes,
    };
  }

  /** Takes a reading, so that a run that may just have ended is measured up to its end. */
  async refresh(): Promise<void> {
    const nowMs = performance.now();
    const isShort = nowMs - this.#beganAtMs < minRunMs || nowMs - this.#askedAtMs < minGapMs;
    if (!this.#isRunning || this.#isClosed || isShort) return;
    this.#isRefreshing = true;
    this.#ask();
    await endsWithin(this.#answer?.promise, maxAnswerMs);
    this.#isRefreshing = false;
  }

  /** Takes the answer of the process. */
  take(usage: RunnerUsage): void {
    const { maxMemoryBytes, onWornOut } = this.#options;
    const previous = this.#last;
    this.#last = usage;
    this.#answer?.resolve();
    this.#answer = undefined;
    if (this.#isRunning) this.#takeOfRun(usage, previous?.peakMemoryBytes ?? 0);
    const leftBytes = this.#isRunning ? this.#begin?.memoryBytes ?? 0 : usage.memoryBytes;
    // Half of what its first run had is not enough.
    const freshBytes = this.#freshBytes ?? Infinity;
    if (leftBytes > (freshBytes + maxMemoryBytes) / 2) onWornOut();
  }

  /** The process is gone: nothing is asked any more. */
  close(): void {
    this.#isClosed = true;
    this.#answer?.resolve();
  }

  #takeOfRun({ cpuMs, memoryBytes, peakMemoryBytes }: RunnerUsage, peakBeforeBytes: number): void {
    const { maxMemoryBytes, onExceeded } = this.#options;
    // A new record of the process falls into the run, also when it lies between two readings.
    const isRecord = this.#begin !== undefined && peakMemoryBytes > peakBeforeBytes;
    const usedBytes = isRecord ? peakMemoryBytes : memoryBytes;
    if (cpuMs !== undefined) {
      this.#begin ??= this.#last;
      this.#freshBytes ??= memoryBytes;
    }
    this.#peakBytes = Math.max(this.#peakBytes, usedBytes);
    // Memory that earlier runs left behind is not this run's fault, and those may be others than is known here:
    // what a run has written travels on another way. So nothing is decided while that may be on its way.
    const foundBytes = this.#begin?.memoryBytes ?? 0;
    const isLeft = foundBytes > maxMemoryBytes && this.#freshBytes! <= maxMemoryBytes;
    const allowedBytes = maxMemoryBytes + (isLeft ? foundBytes : 0);
    if (this.#peakBytes <= allowedBytes || this.#isRefreshing) return;
    if (this.#isSuspect) return onExceeded(this.#peakBytes);
    this.#isSuspect = true;
    this.#ask();
  }

  #ask(): void {
    this.#askedAtMs = performance.now();
    this.#answer ??= Promise.withResolvers();
    this.#options.ask();
  }

  // One reading follows the last run: it shows what that left behind.
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    startTimer(sampleMs, () => {
      this.#isWatching = false;
      if (this.#isClosed) return;
      if (this.#answer === undefined) this.#ask();
      if (this.#isRunning) this.#watch();
    });
  }
}
