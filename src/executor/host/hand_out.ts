// Decides which waiting run goes to which worker, and which worker is started for it. Used by the pool.

import type { PooledRun } from "./run.ts";
import type { RunGroup, RunGroups } from "./run_groups.ts";
import type { Slot } from "./slot.ts";
import type { Slots } from "./slots.ts";
import type { TaskTimes } from "./task_times.ts";

/** The most runs that a worker is sent ahead of those that it runs. */
export const maxAhead = 64;
/** Runs are sent ahead as far as they should be done within this time. */
export const maxAheadMs = 2;
/** So much longer than another one a run may wait, so that runs of one group are handed out together. */
const fairnessMs = 100;
/** A quick run that takes longer than this is held up by more than a busy machine. */
const maxQuickMs = 1_000;
/** What a run should take of a task that has not ended a run yet: too long to be sent ahead. */
const unknownMs = 60_000;

/** What the hand-out works with. */
export interface HandOutParts {
  readonly concurrency: number;
  readonly jobsPerWorker: number;
  readonly groups: RunGroups;
  readonly slots: Slots;
  readonly times: TaskTimes;
  /** Whether a worker of the group may be started now. */
  readonly mayOpen: (group: RunGroup) => boolean;
  /** Starts a worker; false: it cannot be started. */
  readonly open: (group: RunGroup) => boolean;
  /** Asks for another hand-out then. */
  readonly wakeAt: (atMs: number) => void;
}

/** Hands waiting runs to workers. `concurrency` bounds those that run, over all workers. */
export class HandOut {
  readonly #parts: HandOutParts;
  readonly #expectedMs = ({ run }: PooledRun): number =>
    this.#parts.times.of(run.task.name) ?? unknownMs;

  constructor(parts: HandOutParts) {
    this.#parts = parts;
  }

  /** Sends what can be sent now: first to workers with a free place, the oldest run first; then ahead. */
  assign(nowMs: number): void {
    const { groups } = this.#parts;
    if (groups.waitingCount > 0) {
      this.#fillPlaces(nowMs);
      this.#sendAhead();
    }
    if (groups.waitingCount === 0) this.#shareOut();
  }

  /** Starts a worker for a group, also if nothing waits there; false: it must wait until another one is idle. */
  openOne(group: RunGroup): boolean {
    const { open, slots } = this.#parts;
    if (slots.room > 0) return open(group);
    const idle = this.#longestIdle(group, -Infinity);
    if (idle === undefined) return false;
    slots.makeRoom(idle);
    return open(group);
  }

  #fillPlaces(nowMs: number): void {
    const { concurrency, groups, slots } = this.#parts;
    const all = slots.all();
    const withoutPlace = new Set<RunGroup>();
    // What came later than this waits: a group with an older run needs the next worker that becomes idle.
    let latestMs = Infinity;
    for (let places = concurrency - slots.runningCount; places > 0;) {
      const waiting = groups.waitingGroups();
      const group = waiting.find((one) => !withoutPlace.has(one));
      if (group === undefined || group.waiting[0]!.sinceMs > latestMs) return;
      const open = all.filter((slot) => this.#hasPlace(slot, group));
      open.sort((one, other) => one.size - other.size);
      const [slot] = open;
      if (slot !== undefined) {
        const others = waiting.filter((one) => one !== group);
        const share = Math.ceil(group.waiting.length / Math.min(places, open.length));
        const count = this.#batchLength(slot, group, places, others[0]?.waiting[0]);
        const before = slot.runningCount;
        this.#send(slot, group, others.length === 0 ? Math.min(count, share) : count);
        places -= slot.runningCount - before;
        continue;
      }
      withoutPlace.add(group);
      if (!this.#startWorkers(group, places, nowMs)) {
        latestMs = Math.min(latestMs, group.waiting[0]!.sinceMs + fairnessMs);
      }
    }
  }

  #hasPlace(slot: Slot, group: RunGroup): boolean {
    return slot.group === group && slot.isOpen && slot.size < this.#parts.jobsPerWorker;
  }

  /** How many of the first waiting runs of the group go to the slot; `other` is the oldest run of another group. */
  #batchLength(slot: Slot, group: RunGroup, places: number, other: PooledRun | undefined): number {
    const { jobsPerWorker } = this.#parts;
    let expectedMs = slot.expectedMs;
    let count = 0;
    for (const pooled of group.waiting) {
      const runMs = this.#expectedMs(pooled);
      if (slot.size + count >= jobsPerWorker) {
        if (!slot.takesAhead || !this.#isAhead(slot.size + count, expectedMs + runMs)) break;
      } else {
        if (count === places) break;
        // Together with the runs before it, unless it makes an older run wait for long.
        const isOvertaking = other !== undefined && pooled.place > other.place;
        if (count > 0 && isOvertaking && runMs > maxAheadMs) break;
      }
      expectedMs += runMs;
      count += 1;
    }
    return count;
  }

  /** Whether a worker may hold one more run than it runs, with which its runs should take so long. */
  #isAhead(heldCount: number, expectedMs: number): boolean {
    const { jobsPerWorker } = this.#parts;
    return heldCount < jobsPerWorker + maxAhead && expectedMs <= maxAheadMs * jobsPerWorker;
  }

  /** Sends more to workers that are busy, as long as no run of another group waits much longer for it. */
  #sendAhead(): void {
    const { groups, slots } = this.#parts;
    const busy = slots.all().filter((slot) =>
      slot.size > 0 && slot.takesAhead && slot.group.waiting.length > 0
    );
    if (busy.length === 0) return;
    busy.sort((one, other) => one.size - other.size);
    const waiting = groups.waitingGroups();
    for (const [index, slot] of busy.entries()) {
      const { group } = slot;
      const others = busy.filter((one, place) => place >= index && one.group === group).length;
      const share = Math.ceil(group.waiting.length / others);
      const other = waiting.find((one) => one !== group && one.waiting.length > 0);
      const latestMs = (other?.waiting[0]?.sinceMs ?? Infinity) + fairnessMs;
      this.#send(slot, group, Math.min(share, this.#countAhead(slot, latestMs)));
    }
  }

  /** How many of the waiting runs that came before `latestMs` may be sent to the busy worker. */
  #countAhead(slot: Slot, latestMs: number): number {
    if (slot.size < this.#parts.jobsPerWorker) return 0;
    let expectedMs = slot.expectedMs;
    let count = 0;
    for (const pooled of slot.group.waiting) {
      expectedMs += this.#expectedMs(pooled);
      if (pooled.sinceMs > latestMs || !this.#isAhead(slot.size + count, expectedMs)) break;
      count += 1;
    }
    return count;
  }

  #send(slot: Slot, group: RunGroup, count: number): void {
    if (count > 0) slot.send(group.waiting.splice(0, count), this.#expectedMs);
  }

  /**
   * Sees to it that workers for the waiting runs are on their way, if need be in the place of idle ones of other groups.
   * False: the group must wait until another worker is idle.
   */
  #startWorkers(group: RunGroup, places: number, nowMs: number): boolean {
    const { jobsPerWorker, mayOpen, open, slots } = this.#parts;
    const own = slots.all().filter((slot) => slot.group === group);
    const coming = own.filter((slot) => slot.opensSoon(nowMs)).length;
    // A thread holds this process up while it starts: one after the other.
    const most = group.isolation === "worker" ? 1 : places;
    const wanted = Math.min(most, Math.ceil(group.waiting.length / jobsPerWorker)) - coming;
    for (let count = 0; count < wanted; count++) {
      if (!mayOpen(group)) return true;
      if (slots.room === 0) {
        const idle = this.#findIdle(group, own, nowMs);
        if (idle === undefined) return coming + count > 0;
        slots.makeRoom(idle);
      }
      if (!open(group)) return true;
    }
    return true;
  }

  /** The worker that makes room for the group now; undefined: it must wait for one. */
  #findIdle(group: RunGroup, own: readonly Slot[], nowMs: number): Slot | undefined {
    const fairMs = group.waiting[0]!.sinceMs + fairnessMs;
    if (own.some((slot) => isFreeSoon(slot, nowMs))) {
      this.#parts.wakeAt(nowMs + fairnessMs);
      return undefined;
    }
    if (nowMs < fairMs) this.#parts.wakeAt(fairMs);
    return nowMs < fairMs && own.length > 0 ? undefined : this.#longestIdle(group, fairMs);
  }

  /** Of the workers whose group has only runs that came later than `afterMs`, the one that has been idle longest. */
  #longestIdle(group: RunGroup, afterMs: number): Slot | undefined {
    let longest: Slot | undefined;
    for (const slot of this.#parts.slots.all()) {
      const [oldest] = slot.group.waiting;
      const isFree = slot.isOpen && slot.size === 0 && (oldest?.sinceMs ?? Infinity) > afterMs;
      if (!isFree || slot.group === group) continue;
      if (longest === undefined || slot.usedAtMs < longest.usedAtMs) longest = slot;
    }
    return longest;
  }

  /** Takes back what a busy worker was sent ahead as soon as another one has nothing to do. */
  #shareOut(): void {
    const { concurrency, jobsPerWorker, slots } = this.#parts;
    if (slots.runningCount >= concurrency) return;
    const all = slots.all();
    for (const busy of all) {
      const isAhead = busy.size > jobsPerWorker && busy.takesAhead;
      if (isAhead && all.some(({ group, state }) => group === busy.group && state === "idle")) {
        return busy.takeBack();
      }
    }
  }
}

/** Whether a run of the worker should end soon, or begin. */
function isFreeSoon(slot: Slot, nowMs: number): boolean {
  return !slot.isReady ||
    slot.running().some(({ expectedMs, startedAtMs }) =>
      nowMs - startedAtMs < (expectedMs < fairnessMs ? maxQuickMs : fairnessMs)
    );
}
