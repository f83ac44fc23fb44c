// The workers of the pool: opens them, keeps the spare ones, counts them, ends them.
// Used by the pool, which decides when.

import { errorMessage } from "../../errors.ts";
import { getLogger } from "../../log/log.ts";
import type { WorkerSetup } from "../wire/messages.ts";
import { openRunnerProcess, type RunnerCommand } from "./runner_process.ts";
import type { RunGroup } from "./run_groups.ts";
import { Slot, type SlotEvents } from "./slot.ts";
import { openWorkerThread } from "./worker_thread.ts";

const log = getLogger("executor");

/** How workers are made; see PoolOptions. */
export interface SlotsOptions {
  readonly jobsPerWorker: number;
  readonly maxResultBytes: number;
  readonly taskSettings: WorkerSetup["taskSettings"];
  readonly maxMemoryMb: number;
  readonly workerUrl: URL;
  readonly runnerCommand: RunnerCommand;
  readonly now: () => number;
}

/** A set of slots, at most `maximum` at a time beside the spare ones. */
export class Slots {
  readonly maximum: number;
  /** Workers started, and workers that crashed or had to be ended, since the node started. */
  started = 0;
  lost = 0;
  readonly #options: SlotsOptions;
  readonly #events: SlotEvents;
  readonly #slots = new Set<Slot>();
  /** Started while an overdue run still has its grace period, to take the place of its slot. */
  readonly #spares = new Map<Slot, Slot>();
  /** Workers that are told to end and are not yet gone. */
  readonly #ending = new Set<Promise<void>>();

  constructor(maximum: number, options: SlotsOptions, events: SlotEvents) {
    this.maximum = maximum;
    this.#options = options;
    this.#events = events;
  }

  /** The slots, without the spare ones. */
  all(): Slot[] {
    return [...this.#slots];
  }

  /** Whether another slot may be opened. */
  get hasRoom(): boolean {
    return this.#slots.size < this.maximum;
  }

  /** Whether the slot is among these, and not a spare one. */
  has(slot: Slot): boolean {
    return this.#slots.has(slot);
  }

  /** How many runs the workers hold. */
  get heldCount(): number {
    let count = 0;
    for (const slot of this.#slots) count += slot.size;
    return count;
  }

  /** Opens a slot for the group. Throws where its worker cannot be started. */
  open(group: RunGroup): Slot {
    const slot = this.#create(group);
    this.#slots.add(slot);
    return slot;
  }

  /** Ends an idle slot, to make room for another one. */
  close(slot: Slot): void {
    this.#slots.delete(slot);
    this.dropSpare(slot);
    this.#end(slot);
  }

  /** Ends a slot whose worker is lost or must not go on; its spare one takes its place. */
  lose(slot: Slot): void {
    this.lost += 1;
    const spare = this.#spares.get(slot);
    this.#spares.delete(slot);
    if (spare !== undefined) this.#slots.add(spare);
    this.close(slot);
  }

  /** Starts the worker that takes over if this slot is lost, so that the next job finds it warm. */
  prepareSpare(slot: Slot, group: RunGroup): void {
    if (this.#spares.has(slot)) return;
    try {
      this.#spares.set(slot, this.#create(group));
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
    for (const slot of [...this.#slots, ...this.#spares.values()]) this.#end(slot);
    this.#slots.clear();
    this.#spares.clear();
    await Promise.all(this.#ending);
  }

  #end(slot: Slot): void {
    const ending = slot.close().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #create(group: RunGroup): Slot {
    const { jobsPerWorker, maxResultBytes, taskSettings } = this.#options;
    const { maxMemoryMb, runnerCommand, workerUrl } = this.#options;
    const { permissions, taskNames } = group;
    const options = { permissions, taskNames, jobsPerWorker, maxResultBytes, taskSettings };
    const slot = new Slot(
      group.key,
      { capacity: jobsPerWorker, maxResultBytes },
      (events) =>
        group.isolation === "worker"
          ? openWorkerThread(workerUrl, options, events)
          : openRunnerProcess(runnerCommand, { ...options, maxMemoryMb }, events),
      this.#events,
      this.#options.now,
    );
    this.started += 1;
    return slot;
  }
}
