// How many more runs the pool takes, and which ones it gives back because it cannot start them soon: what waits here no
// other node can run. Used by the pool.

import { maxAhead, maxAheadMs } from "./hand_out.ts";
import type { HandedRun, PooledRun } from "./run.ts";
import type { RunGroup, RunGroups } from "./run_groups.ts";
import type { Slots } from "./slots.ts";
import type { TaskTimes } from "./task_times.ts";

/** More runs are taken as long as they should start within this time. */
const maxStartMs = 100;
/** Of more waiting runs of a group only some are looked at: this is asked for with every few jobs. */
const sampleLength = 16;
/** What has waited so long, and should not start soon, is given back. */
const maxWaitMs = 250;
/** What has waited so long is given back, whatever it should do: no worker may be free for it. */
const maxHopeMs = 1_000;

/** What the admission works with. */
export interface AdmissionParts {
  readonly concurrency: number;
  readonly backlog: number;
  readonly jobsPerWorker: number;
  readonly groups: RunGroups;
  readonly slots: Slots;
  readonly times: TaskTimes;
  /** Whether workers of the group cannot start, so that its runs fail soon. */
  readonly isFailing: (group: RunGroup) => boolean;
}

/** Bounds what the pool holds. */
export class Admission {
  readonly #parts: AdmissionParts;
  /** Runs were given back, and none has ended since: only what can start at once is taken. */
  #isCautious = false;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** A run has ended: others may start soon. */
  noteEnd(): void {
    this.#isCautious = false;
  }

  /** How many more runs the pool takes. */
  room(nowMs: number): number {
    const { backlog, concurrency, groups, slots } = this.#parts;
    const limit = concurrency + backlog + this.#aheadCount();
    const held = groups.waitingCount + slots.heldCount;
    if (held >= limit) return 0;
    const free = Math.min(this.#freePlaces(), limit - held);
    if (this.#isCautious) return free;
    return Math.max(free, Math.min(limit - held, this.#soonCount(nowMs)));
  }

  /** When the oldest waiting run has waited too long; Infinity: none waits. */
  nextExpiryMs(): number {
    const [group] = this.#parts.groups.waitingGroups();
    return group === undefined ? Infinity : group.waiting[0]!.sinceMs + maxWaitMs;
  }

  /** Takes out the runs that have waited too long, but for those that a starting worker will take. */
  takeExpired(nowMs: number): PooledRun[] {
    const { concurrency, groups, isFailing, jobsPerWorker, slots } = this.#parts;
    let places = concurrency - slots.runningCount;
    const kept = new Set<PooledRun>();
    for (const { group, state } of slots.all()) {
      if (state !== "starting") continue;
      const count = Math.min(places, jobsPerWorker);
      for (const pooled of group.waiting.filter((one) => !kept.has(one)).slice(0, count)) {
        kept.add(pooled);
        places -= 1;
      }
    }
    const expired = this.#lateRuns(nowMs);
    const removed = groups.remove((pooled, group) =>
      expired.has(pooled) && !kept.has(pooled) && !isFailing(group)
    );
    this.#isCautious ||= removed.length > 0;
    return removed;
  }

  /** How many fast runs may wait in the workers, beyond the backlog. */
  #aheadCount(): number {
    const { concurrency, slots, times } = this.#parts;
    if (times.mixMs === undefined) return 0;
    const ahead = Math.min(maxAhead, Math.floor(maxAheadMs / times.mixMs));
    // Groups whose runs come in turns each fill a batch of their own.
    const groups = new Set(slots.all().filter(({ size }) => size > 0).map(({ group }) => group));
    for (const group of this.#parts.groups.waitingGroups()) groups.add(group);
    return ahead * Math.max(concurrency, groups.size);
  }

  /** How many runs could start at once, as far as workers for them are there or can be started. */
  #freePlaces(): number {
    const { concurrency, groups, jobsPerWorker, slots } = this.#parts;
    let places = slots.room * jobsPerWorker;
    for (const slot of slots.all()) {
      if (slot.state === "starting" || slot.size === 0) places += jobsPerWorker;
      // Given back was perhaps what only a worker of another group could run.
      else if (!this.#isCautious) places += Math.max(0, jobsPerWorker - slot.size);
    }
    const free = Math.min(places, concurrency - slots.runningCount);
    return Math.max(0, free - groups.waitingCount);
  }

  #lateRuns(nowMs: number): ReadonlySet<PooledRun> {
    const waiting = this.#parts.groups.waitingGroups().flatMap((group) => group.waiting);
    waiting.sort((one, other) => one.place - other.place);
    const late = new Set<PooledRun>();
    let spareMs = this.#spareMs(nowMs);
    for (const pooled of waiting) {
      const patienceMs = spareMs > 0 ? maxHopeMs : maxWaitMs;
      if (nowMs - pooled.sinceMs >= patienceMs) late.add(pooled);
      spareMs -= this.#parts.times.of(pooled.run.task.name) ?? 0;
    }
    return late;
  }

  /** How many more runs should start within `maxStartMs`, by the averages of the tasks. */
  #soonCount(nowMs: number): number {
    const { groups, times } = this.#parts;
    if (times.mixMs === undefined) return Infinity;
    let spareMs = this.#spareMs(nowMs);
    if (spareMs <= 0) return 0;
    for (const { waiting } of groups.waitingGroups()) {
      const step = Math.ceil(waiting.length / sampleLength);
      for (let place = 0; place < waiting.length; place += step) {
        spareMs -= step * (times.of(waiting[place]!.run.task.name) ?? 0);
      }
    }
    return Math.max(0, Math.ceil(spareMs / times.mixMs));
  }

  /** For how much of the next `maxStartMs` the workers should have nothing to do, over all places, if nothing waited. */
  #spareMs(nowMs: number): number {
    const { concurrency, slots } = this.#parts;
    let spareMs = concurrency * maxStartMs;
    for (const slot of slots.all()) {
      for (const handed of slot.running()) {
        spareMs -= Math.min(maxStartMs, this.#remainingMs(handed, nowMs));
      }
    }
    return spareMs;
  }

  /** One that takes longer than the average of its task is expected to take as long again. */
  #remainingMs({ run, startedAtMs }: HandedRun, nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - startedAtMs);
    const averageMs = this.#parts.times.of(run.task.name) ?? 0;
    return averageMs > elapsedMs ? averageMs - elapsedMs : elapsedMs;
  }
}
