// The workers of the pool: opens them, keeps the spare ones, counts them, ends them.
// Used by the pool, which decides when.

import { steadyNow } from "../../clock.ts";
import { errorMessage } from "../../errors.ts";
import { getLogger } from "../../log/log.ts";
import type { WorkerSetup } from "../wire/messages.ts";
import type { Isolation, RunGroup } from "./run_groups.ts";
import { openRunnerProcess, type RunnerCommand } from "./runner_process.ts";
import { Slot } from "./slot.ts";
import type { SlotEvents } from "./slot_events.ts";
import { StartRate } from "./start_rate.ts";
import { openWorkerThread } from "./worker_thread.ts";

const log = getLogger("executor");

/** How workers are made; see PoolOptions. */
export interface SlotsOptions {
  readonly maxWorkers: number;
  readonly jobsPerWorker: number;
  readonly maxResultBytes: number;
  readonly taskSettings: WorkerSetup["taskSettings"];
  readonly killGraceMs: number;
  readonly maxMemoryMb: number;
  readonly workerUrl: URL;
  readonly runnerCommand: RunnerCommand;
}

/** A set of slots, at most `maxWorkers` at a time beside the spare ones. */
export class Slots {
  /** Workers started, and workers that crashed or had to be ended, since the node started. */
  started = 0;
  lost = 0;
  readonly #options: SlotsOptions;
  readonly #events: SlotEvents<Slot>;
  /** Never changed in place, so that it can be handed out. */
  #slots: readonly Slot[] = [];
  /** Started while an overdue run still has its grace period, to take the place of its slot. */
  readonly #spares = new Map<Slot, Slot>();
  /** Workers that are told to end and are not yet gone. */
  readonly #ending = new Set<Promise<void>>();
  readonly #startRate: StartRate;

  constructor(options: SlotsOptions, events: SlotEvents<Slot>) {
    this.#options = options;
    this.#events = events;
    this.#startRate = new StartRate(options.maxWorkers);
  }

  /** The slots, without the spare ones. */
  all(): readonly Slot[] {
    return this.#slots;
  }

  /** Those, and the spare ones. */
  allAndSpares(): Slot[] {
    return [...this.#slots, ...this.#spares.values()];
  }

  /** How many more may be opened. */
  get room(): number {
    return Math.max(0, this.#options.maxWorkers - this.#slots.length);
  }

  /** Whether the slot is among these, and not a spare one. */
  has(slot: Slot): boolean {
    return this.#slots.includes(slot);
  }

  /** How many runs the workers hold. */
  get heldCount(): number {
    let count = 0;
    for (const slot of this.#slots) count += slot.size;
    return count;
  }

  /** How many runs the workers run. */
  get runningCount(): number {
    let count = 0;
    for (const slot of this.#slots) count += slot.runningCount;
    return count;
  }

  /** Opens a slot for the group. Throws where its worker cannot be started. */
  open(group: RunGroup, isolation: Isolation): Slot {
    const slot = this.#create(group, isolation);
    this.#slots = [...this.#slots, slot];
    return slot;
  }

  /** Ends an idle slot, to make room for one of another group. */
  makeRoom(slot: Slot): void {
    this.#startRate.note("other_set", steadyNow());
    this.#close(slot);
  }

  /** Ends an idle slot whose worker is worn out. */
  retire(slot: Slot): void {
    this.#startRate.note("wear", steadyNow());
    this.#close(slot);
  }

  /** Ends a slot whose worker is lost; its spare one takes its place. */
  lose(slot: Slot): void {
    this.lost += 1;
    this.#startRate.note("loss", steadyNow());
    const spare = this.#spares.get(slot);
    this.#spares.delete(slot);
    if (spare !== undefined) this.#slots = [...this.#slots, spare];
    this.#close(slot);
  }

  /** Starts the worker that takes over if this slot is lost, so that the next job finds it warm. */
  prepareSpare(slot: Slot): void {
    if (this.#spares.has(slot)) return;
    try {
      this.#spares.set(slot, this.#create(slot.group, slot.isolation));
    } catch (thrown) {
      log.error("cannot start a spare worker", { reason: errorMessage(thrown) });
    }
  }

  /** Ends the spare one of a slot that goes on. */
  dropSpare(slot: Slot): void {
    const spare = this.#spares.get(slot);
    if (spare === undefined) return;
    this.#spares.delete(slot);
    this.#end(spare);
  }

  /** Forgets a slot that was lost while it was a spare one; false: it was none. */
  forgetSpare(slot: Slot): boolean {
    for (const [main, spare] of this.#spares) {
      if (spare === slot) return this.#spares.delete(main);
    }
    return false;
  }

  /** Ends every worker. Resolves when they are gone. */
  async closeAll(): Promise<void> {
    for (const slot of this.allAndSpares()) this.#end(slot);
    this.#slots = [];
    this.#spares.clear();
    await Promise.all(this.#ending);
  }

  #close(slot: Slot): void {
    this.#slots = this.#slots.filter((one) => one !== slot);
    this.dropSpare(slot);
    this.#end(slot);
  }

  #end(slot: Slot): void {
    const ending = slot.close().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #create(group: RunGroup, isolation: Isolation): Slot {
    const { jobsPerWorker, maxResultBytes, taskSettings, killGraceMs } = this.#options;
    const { maxMemoryMb, runnerCommand, workerUrl } = this.#options;
    const { permissions, taskNames } = group;
    const options = { permissions, taskNames, jobsPerWorker, maxResultBytes, taskSettings };
    const slot = new Slot(
      group,
      isolation,
      { capacity: jobsPerWorker, maxResultBytes, killGraceMs, now: steadyNow },
      (events) =>
        isolation === "worker"
          ? openWorkerThread(workerUrl, options, events)
          : openRunnerProcess(runnerCommand, { ...options, maxMemoryMb }, events),
      this.#events,
    );
    this.started += 1;
    return slot;
  }
}
