// The executor: runs jobs on workers, at most `concurrency` at once; replaces lost workers, ends overdue ones.
// Called by the dispatcher, which it tells how every run ended.

import { steadyNow } from "../../clock.ts";
import { errorMessage } from "../../errors.ts";
import { getLogger } from "../../log/log.ts";
import { EarliestTimer } from "../earliest_timer.ts";
import { Admission } from "./admission.ts";
import { HandOut } from "./hand_out.ts";
import { loadFailureText } from "./load_failure.ts";
import type { PoolOptions, PoolStats, RunEnd } from "./pool_options.ts";
import { Quarantine } from "./quarantine.ts";
import {
  type EndedRun,
  failedOutcome,
  type HandedRun,
  type PooledRun,
  reasonOf,
  type Run,
} from "./run.ts";
import { type RunGroup, RunGroups } from "./run_groups.ts";
import type { Slot } from "./slot.ts";
import type { SlotLoss } from "./slot_events.ts";
import { Slots } from "./slots.ts";
import { StartFailures } from "./start_failures.ts";
import { TaskLogs } from "./task_logs.ts";
import { TaskTimes } from "./task_times.ts";

/** A thread that has shown within this time, or half of the grace period, that it is alive ends when told to. */
const minAliveMs = 250;
/** A timer that fires so late shows that this process was held up; then it first has time to read. */
const maxLateMs = 50;
const minReadMs = 20;
/** How soon the pool looks again whether what waits for a starting worker has waited too long. */
const minWakeMs = 50;
/** How soon the pool looks again for a worker that can make room for one that is to load its tasks. */
const minReloadMs = 1_000;
/** While workers of a set take longer to load and it has no other, its jobs must not wait here. */
const maxLoadWaitMs = 1_000;
/** So many attempts fail a run that shared each worker that crashed. */
const maxSharedCrashes = 3;

const log = getLogger("executor");

/** Runs jobs on workers. Create it with the node and stop it with the node. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #groups: RunGroups;
  readonly #slots: Slots;
  readonly #times = new TaskTimes();
  readonly #handOut: HandOut;
  readonly #admission: Admission;
  readonly #failures = new StartFailures();
  readonly #quarantine = new Quarantine();
  /** Wakes the slots for their deadlines. */
  readonly #checks: EarliestTimer;
  /** Wakes the pool for what waits. */
  readonly #wakes: EarliestTimer;
  /** Groups whose jobs `canRun` has refused. */
  readonly #refused = new Set<RunGroup>();
  #isReadingFirst = false;
  #isStopping = false;
  #onIdle: (() => void) | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#checks = new EarliestTimer(steadyNow, (armedAtMs) => this.#checkSlots(armedAtMs));
    this.#wakes = new EarliestTimer(steadyNow, () => this.#wake());
    const workerCount = Math.ceil(options.concurrency / options.jobsPerWorker);
    // Not more than the workers need together, so that they share the load.
    const jobsPerWorker = Math.ceil(options.concurrency / workerCount);
    const taskLogs = new TaskLogs();
    this.#groups = new RunGroups(options.tasks, options.isolation);
    this.#slots = new Slots({ ...options, jobsPerWorker }, {
      wakeAt: (atMs) => this.#checks.arm(atMs),
      onLoaded: (slot) => this.#takeLoaded(slot),
      onOutcomes: (slot, ended) => this.#takeOutcomes(slot, ended),
      onReturned: (slot, returned) => this.#takeReturned(slot, returned),
      onOverdue: (slot) => this.#isStopping || this.#slots.prepareSpare(slot),
      onWornOut: (slot) => this.#replaceWornOut(slot),
      onLost: (slot, loss) => this.#lose(slot, loss),
      onLog: (run, line) => taskLogs.write(run, line),
    });
    const parts = {
      ...options,
      isFailing: (group: RunGroup) => this.#failures.has(group),
      jobsPerWorker,
      groups: this.#groups,
      slots: this.#slots,
      times: this.#times,
    };
    this.#admission = new Admission(parts);
    this.#handOut = new HandOut({
      ...parts,
      mayOpen: (group) => this.#mayOpen(group),
      open: (group) => this.#open(group),
      wakeAt: (atMs) => this.#wakes.arm(atMs),
    });
  }

  /** Starts a worker for a set of permissions that has none, so that a job finds it warm; false: there is none to start. */
  warmUp(): boolean {
    if (this.#isStopping || this.#slots.room === 0) return false;
    const served = new Set(this.#slots.all().map(({ group }) => group));
    const group = this.#groups.all().find((group) => !served.has(group) && this.#mayOpen(group));
    return group !== undefined && this.#open(group);
  }

  /** How many more runs the pool takes now. */
  room(): number {
    return this.#admission.room(steadyNow());
  }

  /**
   * Whether the pool takes the job: false while its task, or one with the same permissions, cannot be loaded or takes
   * long to load. `onLoadable` follows.
   */
  canRun(run: Pick<Run, "job" | "task">): boolean {
    const group = this.#groupOf(run);
    const canLoad = this.#canLoad(group);
    if (!canLoad) this.#refused.add(group);
    return canLoad;
  }

  /** Takes runs, first in, first out; more than `room()` are taken, too. */
  submit(runs: readonly Run[]): void {
    if (this.#isStopping) return this.#giveBack(runs.map((run) => ({ run })));
    const nowMs = steadyNow();
    const refused = runs.filter((run) => !this.canRun(run));
    for (const run of runs) {
      if (!refused.includes(run)) this.#groups.push(this.#groupOf(run), run, nowMs);
    }
    this.#giveBack(refused.map((run) => ({ run })));
    this.#assign();
  }

  /** Ends the run of a job that is not wanted any more; nothing happens if the pool does not have it. */
  abort(jobId: string, reason: string): void {
    const waiting = this.#groups.remove(({ run }) => run.job.id === jobId);
    if (waiting.length > 0) return this.#giveBack(waiting);
    for (const slot of this.#slots.all()) {
      const handed = slot.unfinished().find(({ run }) => run.job.id === jobId);
      if (handed !== undefined) slot.abort(handed, reason);
    }
  }

  stats(): PoolStats {
    const busy = this.#slots.all().flatMap((slot) => slot.running()).length;
    return {
      busy,
      idle: Math.max(0, this.#options.concurrency - busy),
      waiting: this.#groups.waitingCount,
      started: this.#slots.started,
      lost: this.#slots.lost,
      runaways: this.#quarantine.runaways,
      quarantinedTasks: [...this.#quarantine.tasks],
      unloadableTasks: this.#failures.unloadableTasks(),
    };
  }

  /**
   * Gives back what has not started, lets what runs finish for `graceMs`, aborts the rest, gives that
   * back as well, and ends every worker.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#wakes.disarm();
    this.#giveBack(this.#groups.remove(() => true));
    for (const slot of this.#slots.all()) slot.takeBack();
    if (!await this.#isIdleWithin(graceMs)) {
      for (const slot of this.#slots.all()) {
        const running = slot.unfinished().filter((one) => one.failureReason === undefined);
        for (const handed of running) slot.abort(handed, stopReason);
      }
      await this.#isIdleWithin(this.#options.killGraceMs);
    }
    this.#checks.disarm();
    for (const slot of this.#slots.all()) {
      const { ended, unfinished } = slot.release();
      this.#end([
        ...ended.map((one) => this.#endOf(one)),
        ...unfinished.map(({ run }) => ({ run, wasStarted: slot.isReady })),
      ]);
    }
    await this.#slots.closeAll();
  }

  #checkSlots(armedAtMs: number): void {
    const nowMs = steadyNow();
    // This process was held up: what its workers told meanwhile is read first, or a healthy one would be ended.
    this.#isReadingFirst = !this.#isReadingFirst && nowMs > armedAtMs + maxLateMs;
    if (this.#isReadingFirst) return this.#checks.arm(nowMs + minReadMs);
    for (const slot of this.#slots.allAndSpares()) slot.check(nowMs);
  }

  #groupOf({ job, task }: Pick<Run, "job" | "task">): RunGroup {
    // A job whose node died may have killed it: in a process it can do so no more.
    const isDangerous = job.crashes > 0 || this.#quarantine.tasks.has(task.name);
    return this.#groups.groupOf(task, isDangerous ? "process" : this.#options.isolation);
  }

  #canLoad(group: RunGroup): boolean {
    let isSlow = false;
    for (const slot of this.#slots.all()) {
      if (slot.group !== group) continue;
      if (slot.state !== "starting") return true;
      isSlow ||= slot.openedAtMs < steadyNow() - maxLoadWaitMs;
    }
    return !isSlow && !this.#failures.isUnloaded(group);
  }

  /** Tells that jobs can be run that were refused. */
  #tellLoadable(): void {
    const groups = [...this.#refused].filter((group) => this.#canLoad(group));
    for (const group of groups) this.#refused.delete(group);
    if (groups.length > 0) this.#options.onLoadable();
  }

  #assign(): void {
    if (this.#isStopping) return;
    const nowMs = steadyNow();
    this.#handOut.assign(nowMs);
    const expiryMs = this.#admission.nextExpiryMs();
    if (expiryMs > nowMs) this.#wakes.arm(expiryMs);
  }

  #wake(): void {
    this.#assign();
    const nowMs = steadyNow();
    this.#giveBack(this.#admission.takeExpired(nowMs));
    this.#giveBack(this.#groups.remove((_, group) => !this.#canLoad(group)));
    if (this.#groups.waitingCount > 0) this.#wakes.arm(nowMs + minWakeMs);
    // Whether what could not be loaded can be by now.
    for (const group of this.#failures.unloadedGroups()) {
      const isUnderWay = this.#slots.all().some((slot) => slot.group === group);
      if (!isUnderWay && this.#mayOpen(group) && !this.#handOut.openOne(group)) {
        this.#wakes.arm(nowMs + minReloadMs);
      }
    }
  }

  /** Whether the group's last worker failed long enough ago; if not, it is tried again then. */
  #mayOpen(group: RunGroup): boolean {
    const retryAtMs = this.#failures.retryAtMs(group);
    if (steadyNow() >= retryAtMs) return true;
    this.#wakes.arm(retryAtMs);
    return false;
  }

  #open(group: RunGroup): boolean {
    try {
      this.#slots.open(group, this.#failures.isolationOf(group));
      return true;
    } catch (thrown) {
      this.#noteFailure(group, errorMessage(thrown), undefined, false);
      return false;
    }
  }

  #takeLoaded({ group }: Slot): void {
    this.#failures.noteLoaded(group);
    this.#tellLoadable();
    this.#assign();
  }

  #takeOutcomes(slot: Slot, ended: readonly EndedRun[]): void {
    this.#failures.clear(slot.group);
    this.#admission.noteEnd();
    for (const { handed, outcome } of ended) {
      this.#times.note(handed.run.task.name, outcome.durationMs);
    }
    this.#slots.dropSpare(slot);
    this.#replaceWornOut(slot);
    this.#end(ended.map((one) => this.#endOf(one)));
    this.#assign();
  }

  /** Ends a worker that is worn out, as soon as it holds nothing; another one takes its place. */
  #replaceWornOut(slot: Slot): void {
    if (!slot.isWornOut || slot.size > 0 || !this.#slots.has(slot)) return;
    this.#slots.retire(slot);
    if (!this.#isStopping && this.#mayOpen(slot.group)) this.#open(slot.group);
  }

  #endOf({ handed: { run, abortReason }, outcome }: EndedRun): RunEnd {
    const isStopped = abortReason === stopReason && outcome.status === "FAILED";
    return isStopped ? { run, wasStarted: true } : { run, outcome };
  }

  #takeReturned(slot: Slot, returned: readonly HandedRun[]): void {
    if (slot.size === 0) this.#slots.dropSpare(slot);
    this.#replaceWornOut(slot);
    const aborted = returned.filter(({ abortReason }) => abortReason !== undefined);
    this.#putBack(returned.filter((handed) => !aborted.includes(handed)));
    this.#giveBack(aborted);
    this.#assign();
  }

  /** Back into their places; in the quarantine's group where the task came there meanwhile. */
  #putBack(pooled: readonly PooledRun[]): void {
    if (this.#isStopping) return this.#giveBack(pooled);
    const byGroup = Map.groupBy(pooled, ({ run }) => this.#groupOf(run));
    for (const [group, runs] of byGroup) this.#groups.putBack(group, runs);
  }

  #putUnderQuarantine(run: Run): void {
    this.#quarantine.add(run);
    this.#putBack(this.#groups.remove(({ run: { task } }) => task.name === run.task.name));
    if (this.#quarantine.runaways > this.#options.maxRunaways) this.#options.onExhausted();
  }

  #lose(slot: Slot, loss: SlotLoss): void {
    // One that made room for another group in the meantime held nothing.
    if (this.#slots.forgetSpare(slot) || !this.#slots.has(slot)) return;
    const { group } = slot;
    const { couldStart, killedFor, running, waiting } = loss;
    this.#slots.lose(slot);
    if (killedFor !== undefined) this.#reportKilled(slot, killedFor, loss);
    else if (couldStart) log.error("lost a worker", { reason: loss.reason, jobs: running.length });
    this.#putBack(waiting);
    if (!couldStart && killedFor === undefined) this.#noteLoss(group, loss);
    this.#end(running.map((handed) => this.#lossOf(handed, running.length, loss)));
    const isReplaced = group.waiting.length === 0 && this.#slots.room > 0 && !this.#isStopping;
    if (isReplaced && this.#mayOpen(group)) this.#open(group);
    this.#assign();
  }

  /** How a run ends whose worker is lost: it fails if it is to blame, or too often among those that may be. */
  #lossOf(handed: HandedRun, count: number, { killedFor, reason }: SlotLoss): RunEnd {
    const { abortReason, run, startedAtMs, usage } = handed;
    const isCulprit = killedFor === undefined
      ? count === 1 || run.job.attempt >= maxSharedCrashes
      : handed === killedFor;
    if (!isCulprit || abortReason === stopReason) return { run, wasStarted: true };
    const why = killedFor === undefined ? reason : reasonOf(handed);
    return { run, outcome: failedOutcome(startedAtMs, why, usage) };
  }

  #reportKilled(slot: Slot, overdue: HandedRun, loss: SlotLoss): void {
    const { run, aliveAtMs } = overdue;
    const reason = loss.isStuck ? stuckReason : reasonOf(overdue);
    const fields = { job_id: run.job.id, task: run.task.name };
    log.warn("ended a worker whose job did not stop", { reason, ...fields });
    // A thread that could still tell of the abort ends when it is told to; one that could not burns on. A run
    // that had not started, or had just ended, is not to blame for that.
    const isAtFault = loss.running.includes(overdue) || loss.isMidTurn || loss.isStuck;
    const isAlive = steadyNow() - aliveAtMs < Math.max(minAliveMs, this.#options.killGraceMs / 2);
    if (slot.isolation === "worker" && isAtFault && !isAlive) this.#putUnderQuarantine(run);
  }

  #noteLoss(group: RunGroup, { hasHung, loadFailure, reason }: SlotLoss): void {
    const text = loadFailure === undefined
      ? reason
      : loadFailureText(loadFailure, this.#options.workerUrl);
    // The table itself holds them all.
    const unloaded = loadFailure?.taskName === ""
      ? group.taskNames
      : loadFailure && [loadFailure.taskName];
    this.#noteFailure(group, text, unloaded, hasHung);
  }

  #noteFailure(
    group: RunGroup,
    reason: string,
    unloaded: readonly string[] | undefined,
    hasHung: boolean,
  ): void {
    const verdict = this.#failures.note(group, reason, unloaded, hasHung, steadyNow());
    this.#wakes.arm(this.#failures.retryAtMs(group));
    this.#tellLoadable();
    if (!this.#canLoad(group)) return this.#giveBack(group.waiting.splice(0));
    if (verdict !== "fail") return;
    const waiting = group.waiting.splice(0);
    const failureReason = `no worker can be started for the task: ${reason}`;
    const outcome = failedOutcome(steadyNow(), failureReason);
    this.#end(waiting.map(({ run }) => ({ run, outcome })));
  }

  /** Gives runs back whose tasks were not called. */
  #giveBack(runs: readonly { readonly run: Run }[]): void {
    this.#end(runs.map(({ run }) => ({ run, wasStarted: false })));
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
