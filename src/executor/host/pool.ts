// The executor: a fixed number of slots, each with one worker; hands runs to them, replaces lost
// workers, ends overdue ones. Called by the dispatcher, which it tells how every run ended.

import { steadyNow } from "../../clock.ts";
import { errorMessage } from "../../errors.ts";
import type { Outcome } from "../../jobs/job.ts";
import { getLogger } from "../../log/log.ts";
import { EarliestTimer } from "../earliest_timer.ts";
import type { PoolOptions, PoolStats, RunEnd } from "./pool_options.ts";
import { Quarantine } from "./quarantine.ts";
import { oldestOrder, type RunGroup, RunGroups } from "./run_groups.ts";
import { failedOutcome, type HandedRun, reasonOf, type Run, type Slot } from "./slot.ts";
import { Slots } from "./slots.ts";
import { StallWatch } from "./stall_watch.ts";
import { TaskLogs } from "./task_logs.ts";

/** The most runs that a worker is sent ahead of those that it runs. */
const maxAhead = 64;
/** Runs are sent ahead as far as they are expected to be done within this time. */
const maxAheadMs = 2;
/** A worker that cannot start is tried again after this time, twice as long each time, up to the maximum. */
const minRetryMs = 100;
const maxRetryMs = 5_000;
/** A thread that has shown within this time, or half of the grace period, that it is alive ends when told to. */
const minAliveMs = 250;
/** How long a worker may be silent, twice: on a machine that is overloaded a healthy one may be for a while. */
const maxSilenceMs = 500;
/** So many failures in a row fail the waiting runs; so many attempts fail a run whose workers crash. */
const maxFailures = 3;

const log = getLogger("executor");

/** Runs jobs on workers. Create it with the node and stop it with the node. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #groups: RunGroups;
  readonly #slots: Slots;
  readonly #quarantine = new Quarantine();
  #averageMs = Infinity;
  #isStopping = false;
  #onIdle: (() => void) | undefined;
  readonly #jobsPerWorker: number;
  readonly #overdue: EarliestTimer;
  readonly #retry: EarliestTimer;
  readonly #stalls: StallWatch;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#groups = new RunGroups(options.tasks);
    this.#overdue = new EarliestTimer(steadyNow, () => this.#endOverdue());
    this.#retry = new EarliestTimer(steadyNow, () => this.#assign());
    const taskLogs = new TaskLogs();
    const maxSlots = Math.ceil(options.concurrency / options.jobsPerWorker);
    // Not more than the workers need together, so that concurrency holds.
    this.#jobsPerWorker = Math.ceil(options.concurrency / maxSlots);
    this.#stalls = new StallWatch(() =>
      this.#slots.all().filter((slot) => slot.size > this.#jobsPerWorker)
    );
    const slotsOptions = { ...options, jobsPerWorker: this.#jobsPerWorker, now: steadyNow };
    this.#slots = new Slots(maxSlots, slotsOptions, {
      onReady: (slot) => this.#overdue.arm(slot.setDeadlines()),
      onOutcomes: (slot, ended) => this.#takeOutcomes(slot, ended),
      onReturned: (slot, returned) => this.#takeReturned(slot, returned),
      onAborting: (handed) => this.#overdue.arm(handed.deadlineAtMs),
      onSilent: () => this.#overdue.arm(steadyNow() + maxSilenceMs),
      onStuck: (slot, last) => slot.kill(last),
      onLost: (slot, reason) => this.#lose(slot, reason),
      onLog: (run, line) => taskLogs.write(run, line),
    });
  }

  /** Starts a worker for tasks without permissions, so that a job finds it warm; false: no more can be started now. */
  warmUp(): boolean {
    const group = this.#groups.plainGroup(this.#options.isolation);
    return this.#slots.hasRoom && this.#openSlot(group);
  }

  /** How many more runs the pool takes now. */
  room(): number {
    const held = this.#groups.waitingCount + this.#slots.heldCount;
    return Math.max(0, this.#options.backlog + this.#window() * this.#slots.maximum - held);
  }

  /** Takes runs, first in, first out; more than `room()` are taken, too. */
  submit(runs: readonly Run[]): void {
    if (this.#isStopping) return this.#end(runs.map((run) => ({ run, wasStarted: false })));
    for (const run of runs) this.#groups.push(this.#groupOf(run), run);
    this.#assign();
  }

  /** Ends the run of a job that is not wanted any more; nothing happens if the pool does not have it. */
  abort(jobId: string, reason: string): void {
    const [waiting] = this.#groups.remove((run) => run.job.id === jobId);
    if (waiting !== undefined) return this.#end([{ run: waiting, wasStarted: false }]);
    for (const slot of this.#slots.all()) {
      const handed = slot.unfinished().find(({ run }) => run.job.id === jobId);
      if (handed === undefined || handed.abortReason !== undefined) continue;
      slot.abort(handed, reason);
      this.#overdue.arm(handed.deadlineAtMs);
    }
  }

  stats(): PoolStats {
    let busy = 0;
    for (const slot of this.#slots.all()) busy += slot.running().length;
    return {
      busy,
      idle: Math.max(0, this.#options.concurrency - busy),
      waiting: this.#groups.waitingCount,
      started: this.#slots.started,
      lost: this.#slots.lost,
      runaways: this.#quarantine.runaways,
      quarantinedTasks: [...this.#quarantine.tasks],
    };
  }

  /**
   * Gives back what has not started, lets what runs finish for `graceMs`, aborts the rest, gives that
   * back as well, and ends every worker.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#end(this.#groups.remove(() => true).map((run) => ({ run, wasStarted: false })));
    for (const slot of this.#slots.all()) if (slot.size > 0) slot.takeBack();
    if (!await this.#isIdleWithin(graceMs)) {
      for (const slot of this.#slots.all()) {
        const running = slot.unfinished().filter((one) => one.failureReason === undefined);
        for (const handed of running) slot.abort(handed, stopReason);
      }
      await this.#isIdleWithin(this.#options.killGraceMs);
    }
    for (const timer of [this.#overdue, this.#retry]) timer.disarm();
    this.#stalls.stop();
    for (const slot of this.#slots.all()) {
      this.#end(slot.unfinished().map(({ run }) => ({ run, wasStarted: slot.isReady })));
    }
    await this.#slots.closeAll();
  }

  #groupOf(run: Run): RunGroup {
    const isQuarantined = this.#quarantine.tasks.has(run.task.name);
    return this.#groups.groupOf(run.task, isQuarantined ? "process" : this.#options.isolation);
  }

  #window(): number {
    const ahead = Math.min(maxAhead, Math.floor(maxAheadMs / this.#averageMs));
    return this.#jobsPerWorker + ahead;
  }

  #assign(): void {
    if (this.#isStopping) return;
    const groups = this.#groups.waitingGroups();
    for (const group of groups) {
      if (groups.length === 1) this.#keepSlots(group);
      this.#handOut(group);
      while (group.waiting.length > 0 && this.#makeSlot(group)) this.#handOut(group);
    }
    if (this.#groups.waitingCount === 0) this.#shareOut();
  }

  /** Sends waiting runs of the group to its workers: first to idle ones, then ahead. */
  #handOut(group: RunGroup): void {
    const { waiting } = group;
    if (waiting.length === 0) return;
    const slots = this.#slots.all().filter((slot) =>
      slot.group === group.key && !slot.isRetiring && !slot.isTakingBack
    );
    slots.sort((one, other) => one.size - other.size);
    for (const [index, slot] of slots.entries()) {
      if (waiting.length === 0) break;
      const share = Math.ceil(waiting.length / (slots.length - index));
      const toIdle = this.#jobsPerWorker - slot.size;
      const ahead = slot.isStalled ? toIdle : this.#window() - slot.size;
      const count = Math.min(ahead, Math.max(share, toIdle));
      if (count <= 0) continue;
      const runs = waiting.splice(0, count).map(({ run }) => run);
      this.#overdue.arm(slot.send(runs));
    }
    this.#stalls.watch();
  }

  /** Opens a worker for the group, if need be in the place of an idle one; false: not now. */
  #makeSlot(group: RunGroup): boolean {
    // Before another group's worker makes room in vain.
    if (!this.#mayOpen(group)) return false;
    if (!this.#slots.hasRoom) {
      const idle = this.#slots.all().find((slot) =>
        slot.size === 0 && !slot.isEnding && this.#canMakeRoom(slot, group)
      );
      if (idle === undefined) {
        this.#retireOneFor(group);
        return false;
      }
      this.#slots.close(idle);
    }
    return this.#openSlot(group);
  }

  #canMakeRoom(slot: Slot, group: RunGroup): boolean {
    if (slot.group === group.key) return false;
    const other = this.#groups.get(slot.group);
    // One that has just replaced a killed worker belongs to the group that waits longest.
    const isFree = slot.progress === 0 && oldestOrder(group) < oldestOrder(other);
    return slot.isRetiring || other.waiting.length === 0 || isFree;
  }

  /** A group without any worker waits longest: the worker that is idle first makes room for it. */
  #retireOneFor(group: RunGroup): void {
    const slots = this.#slots.all();
    if (slots.some((slot) => slot.group === group.key || slot.isRetiring)) return;
    // One that has ended no run yet stays: else two groups could take turns and never run anything.
    const [least] = slots.filter(({ progress }) => progress > 0)
      .sort((one, other) => one.size - other.size);
    if (least === undefined) return;
    least.isRetiring = true;
    least.takeBack();
  }

  /** What its workers were to make room for may be gone: aborted, or run by another worker. */
  #keepSlots(group: RunGroup): void {
    for (const slot of this.#slots.all()) {
      if (slot.group === group.key && !slot.isEnding) slot.isRetiring = false;
    }
  }

  /** Whether the group's last worker failed long enough ago; if not, it is tried again then. */
  #mayOpen(group: RunGroup): boolean {
    if (steadyNow() >= group.retryAtMs) return true;
    this.#retry.arm(group.retryAtMs);
    return false;
  }

  #openSlot(group: RunGroup): boolean {
    if (!this.#mayOpen(group)) return false;
    try {
      this.#slots.open(group);
      return true;
    } catch (thrown) {
      this.#backOff(group, errorMessage(thrown));
      return false;
    }
  }

  #takeOutcomes(slot: Slot, ended: readonly { handed: HandedRun; outcome: Outcome }[]): void {
    this.#groups.get(slot.group).failures = 0;
    const ends = ended.map(({ handed, outcome }): RunEnd => {
      const { durationMs } = outcome;
      const isFirst = this.#averageMs === Infinity;
      this.#averageMs = isFirst ? durationMs : this.#averageMs * 0.9 + durationMs * 0.1;
      const { run } = handed;
      const isStopped = handed.abortReason === stopReason && outcome.status === "FAILED";
      return isStopped ? { run, wasStarted: true } : { run, outcome };
    });
    this.#slots.dropSpare(slot);
    this.#overdue.arm(slot.setDeadlines());
    this.#end(ends);
    this.#assign();
  }

  #takeReturned(slot: Slot, returned: readonly HandedRun[]): void {
    const aborted = returned.filter(({ abortReason }) => abortReason !== undefined);
    const wanted = returned.filter((handed) => !aborted.includes(handed));
    if (slot.size === 0) this.#slots.dropSpare(slot);
    this.#putBack(this.#groups.get(slot.group), wanted.map(({ run }) => run));
    this.#end(aborted.map(({ run }) => ({ run, wasStarted: false })));
    if (this.#groups.waitingCount > 0) this.#assign();
  }

  /** Back to the front; to the quarantine's group where the task came there meanwhile. */
  #putBack(group: RunGroup, runs: readonly Run[]): void {
    if (this.#isStopping) return this.#end(runs.map((run) => ({ run, wasStarted: false })));
    const stay = runs.filter((run) => this.#groupOf(run) === group);
    this.#groups.putBack(group, stay);
    for (const run of runs) if (!stay.includes(run)) this.#groups.push(this.#groupOf(run), run);
  }

  /** Takes back what a busy worker was sent ahead as soon as another one has nothing to do. */
  #shareOut(): void {
    for (const idle of this.#slots.all()) {
      if (idle.size > 0 || !idle.isReady || idle.isRetiring) continue;
      for (const busy of this.#slots.all()) {
        if (busy.group === idle.group && busy.size > this.#jobsPerWorker) {
          busy.takeBack();
          return;
        }
      }
    }
  }

  #endOverdue(): void {
    const nowMs = steadyNow();
    for (const slot of this.#slots.all()) {
      if (!slot.isReady) continue;
      if (slot.isSilent) this.#probe(slot, nowMs);
      const group = this.#groups.get(slot.group);
      for (const handed of slot.running()) {
        if (nowMs >= handed.killAtMs) {
          slot.kill(handed);
          break;
        }
        if (nowMs < handed.deadlineAtMs) {
          this.#overdue.arm(handed.deadlineAtMs);
          continue;
        }
        // Counted from now: if this process was paused, its workers had no time to answer, either.
        if (handed.killAtMs === Infinity) handed.killAtMs = nowMs + this.#options.killGraceMs;
        if (!this.#isStopping) this.#slots.prepareSpare(slot, group);
        this.#overdue.arm(handed.killAtMs);
      }
    }
  }

  /** Asks a silent worker what it has started: it must be at rest, or at work, by then. */
  #probe(slot: Slot, nowMs: number): void {
    if (slot.probeAtMs === Infinity) slot.probeAtMs = nowMs + maxSilenceMs;
    // What has not started is not overdue.
    if (slot.isLate() || nowMs >= slot.probeAtMs) slot.takeBack();
    if (slot.probeAtMs > nowMs) this.#overdue.arm(slot.probeAtMs);
  }

  #putUnderQuarantine(run: Run): void {
    this.#quarantine.add(run);
    for (const waiting of this.#groups.remove(({ task }) => task.name === run.task.name)) {
      this.#groups.push(this.#groupOf(waiting), waiting);
    }
    if (this.#quarantine.runaways > this.#options.maxRunaways) this.#options.onExhausted();
  }

  #lose(slot: Slot, reason: string): void {
    // One that made room for another group in the meantime held nothing.
    if (this.#slots.forgetSpare(slot) || !this.#slots.has(slot)) return;
    const group = this.#groups.get(slot.group);
    const unfinished = slot.unfinished();
    const running = slot.isReady ? slot.running() : [];
    const overdue = slot.killedFor;
    this.#slots.lose(slot);
    if (overdue === undefined) log.error("lost a worker", { reason, jobs: running.length });
    else this.#reportKilled(overdue, slot, running.includes(overdue));
    const ends = running.map((handed): RunEnd => {
      const { run, abortReason } = handed;
      const isCulprit = overdue === undefined
        ? running.length === 1 || run.job.attempt >= maxFailures
        : handed === overdue;
      return isCulprit && abortReason !== stopReason
        ? { run, outcome: failedOutcome(handed, overdue === undefined ? reason : reasonOf(handed)) }
        : { run, wasStarted: true };
    });
    this.#putBack(group, unfinished.filter((one) => !running.includes(one)).map(({ run }) => run));
    if (!slot.couldStart && overdue === undefined) this.#backOff(group, reason);
    this.#end(ends);
    if (group.waiting.length === 0 && this.#slots.hasRoom && !this.#isStopping) {
      this.#openSlot(group);
    }
    this.#assign();
  }

  #reportKilled(overdue: HandedRun, slot: Slot, isRunning: boolean): void {
    const { run, aliveAtMs } = overdue;
    const reason = slot.isStuck ? stuckReason : reasonOf(overdue);
    const fields = { job_id: run.job.id, task: run.task.name };
    log.warn("ended a worker whose job did not stop", { reason, ...fields });
    // A thread that could still tell of the abort ends when it is told to; one that could not burns on. A run
    // that had not started, or had just ended, is not to blame for that.
    const isAtFault = isRunning || slot.isMidTurn || slot.isStuck;
    const isAlive = steadyNow() - aliveAtMs < Math.max(minAliveMs, this.#options.killGraceMs / 2);
    const { isolation } = this.#groups.get(slot.group);
    if (isolation === "worker" && isAtFault && !isAlive) this.#putUnderQuarantine(run);
  }

  #backOff(group: RunGroup, reason: string): void {
    group.failures += 1;
    const retryMs = Math.min(maxRetryMs, minRetryMs * 2 ** (group.failures - 1));
    group.retryAtMs = steadyNow() + retryMs;
    log.error("cannot start a worker", { reason, retry_ms: retryMs });
    if (group.failures >= maxFailures) {
      const failure = `no worker can be started for the task: ${reason}`;
      const startedAtMs = steadyNow();
      const runs = group.waiting.splice(0).map(({ run }) => run);
      this.#end(runs.map((run) => ({ run, outcome: failedOutcome({ startedAtMs }, failure) })));
    }
    this.#retry.arm(group.retryAtMs);
  }

  #end(ends: readonly RunEnd[]): void {
    if (ends.length > 0) this.#options.onEnds(ends);
    if (this.#slots.heldCount === 0) this.#onIdle?.();
  }

  async #isIdleWithin(graceMs: number): Promise<boolean> {
    if (this.#slots.heldCount === 0) return true;
    const timeUp = new AbortController();
    this.#onIdle = () => timeUp.abort();
    await this.#options.clock.sleep(graceMs, timeUp.signal);
    this.#onIdle = undefined;
    return this.#slots.heldCount === 0;
  }
}

const stopReason = "the node is stopping";
const stuckReason = "what it, or a task before it, left behind keeps its worker busy";
