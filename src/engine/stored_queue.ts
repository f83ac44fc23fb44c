// A queue of this process for jobs that a durable repository holds: only the next messages are in memory, and
// the repository is read for more as they are taken. Opened by src/node/stores.ts.

import type { Job } from "../jobs/job.ts";
import { type Delivery, type Queue, queueFull } from "../jobs/queue.ts";
import type { Health, Repository } from "../jobs/repository.ts";
import { errorMessage } from "../errors.ts";
import { getLogger } from "../log/log.ts";

/** What such a queue works with. */
export interface StoredQueueOptions {
  readonly repository: Repository;
  /** Empty; holds the next messages, as many as it has room for. */
  readonly queue: Queue;
  /** How many jobs may wait, in memory or not; Infinity: any number. */
  readonly capacity: number;
}

const log = getLogger("queue");

/** So many jobs are read at a time: a store that answers at once works 2 ms for them. */
const maxRead = 250;

/**
 * Opens the queue: what waits in the repository already, waits in it.
 *
 * @throws ValetError `unavailable`
 */
export async function openStoredQueue(options: StoredQueueOptions): Promise<Queue> {
  const queue = new StoredQueue(options, (await options.repository.count()).waiting);
  await queue.read();
  return queue;
}

class StoredQueue implements Queue {
  readonly isShared = false;
  readonly #repository: Repository;
  readonly #queue: Queue;
  readonly #capacity: number;
  /** How many messages the queue holds at most. */
  readonly #bound: number;
  /** Ids of the jobs whose messages wait in memory. */
  readonly #ids = new Set<string>();
  /**
   * Whether jobs may wait in the repository alone. Then new ones join them there, so that none is
   * overtaken, until a read finds no more.
   */
  #isBehind = true;
  /** How many jobs wait in the repository alone, as far as this process knows. */
  #storedCount: number;
  /** The next read of the repository begins after this id; undefined: with the first waiting job. */
  #afterId: string | undefined;
  /** The highest id that has had a message here: jobs left in the repository nearly always have higher ones. */
  #lastHeldId: string | undefined;
  /** The lowest id left in the repository since the last read. If a read has passed it, the next one begins anew. */
  #leastId: string | undefined;
  #reading: Promise<void> | undefined;
  #roomCallback: (() => void) | undefined;
  #isClosed = false;

  constructor({ repository, queue, capacity }: StoredQueueOptions, storedCount: number) {
    this.#repository = repository;
    this.#queue = queue;
    this.#capacity = capacity;
    this.#bound = queue.room();
    this.#storedCount = storedCount;
  }

  async publish(jobs: readonly Job[]): Promise<void> {
    const room = this.room();
    if (jobs.length > room) throw queueFull(jobs.length, room, this.#capacity);
    const heldCount = this.#isBehind ? 0 : this.#queue.room();
    const held = jobs.slice(0, heldCount);
    this.#leaveStored(jobs.slice(heldCount));
    await this.#hold(held);
  }

  room(): number {
    const heldCount = this.#bound - this.#queue.room();
    return Math.max(0, this.#capacity - heldCount - this.#storedCount);
  }

  async depth(): Promise<number> {
    return this.#isBehind ? (await this.#repository.count()).waiting : await this.#queue.depth();
  }

  onRoom(callback: () => void): void {
    this.#roomCallback = callback;
    this.#callBackIfRoom();
  }

  async take(limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    while (this.#mustRead && !signal.aborted) await this.read();
    const deliveries = await this.#queue.take(limit, signal);
    for (const { job } of deliveries) this.#ids.delete(job.id);
    if (this.#isClosed) return deliveries;
    this.#callBackIfRoom();
    if (this.#isBehind && this.#queue.room() >= maxRead) this.#readAhead();
    return deliveries;
  }

  ack(deliveries: readonly Delivery[]): Promise<void> {
    return this.#queue.ack(deliveries);
  }

  nack(deliveries: readonly Delivery[]): Promise<void> {
    return this.#queue.nack(deliveries);
  }

  health(): Promise<Health> {
    return this.#queue.health();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#roomCallback = undefined;
    return this.#queue.close();
  }

  /** Whether all that waits, waits in the repository alone. */
  get #mustRead(): boolean {
    return !this.#isClosed && this.#isBehind && this.#queue.room() === this.#bound;
  }

  /** Holds messages of the next jobs that wait in the repository, as many as there is room for. */
  read(): Promise<void> {
    return this.#reading ??= this.#read().finally(() => this.#reading = undefined);
  }

  async #read(): Promise<void> {
    if (this.#leastId !== undefined && this.#leastId <= (this.#afterId ?? "")) {
      this.#afterId = undefined;
    }
    this.#leastId = undefined;
    const { jobs } = await this.#repository.find({
      state: "waiting",
      nowMs: this.#repository.now(),
      limit: Math.min(maxRead, this.#queue.room()),
      afterId: this.#afterId,
    });
    if (this.#isClosed) return;
    const last = jobs.at(-1);
    if (last !== undefined) {
      this.#afterId = last.id;
      const unknown = jobs.filter(({ id }) => !this.#ids.has(id));
      // Messages may have been put back meanwhile.
      const held = unknown.slice(0, this.#queue.room());
      if (held.length < unknown.length) this.#leastId = unknown[held.length]!.id;
      this.#storedCount = Math.max(0, this.#storedCount - held.length);
      await this.#hold(held);
    } else if (this.#leastId === undefined) {
      this.#isBehind = false;
      this.#storedCount = 0;
      this.#afterId = undefined;
      this.#callBackIfRoom();
    }
  }

  async #hold(jobs: readonly Job[]): Promise<void> {
    for (const { id } of jobs) {
      this.#ids.add(id);
      if (this.#lastHeldId === undefined || id > this.#lastHeldId) this.#lastHeldId = id;
    }
    await this.#queue.publish(jobs.map(toTicket));
  }

  #leaveStored(jobs: readonly Job[]): void {
    if (jobs.length === 0) return;
    if (!this.#isBehind) this.#afterId = this.#lastHeldId;
    this.#isBehind = true;
    this.#storedCount += jobs.length;
    for (const { id } of jobs) {
      if (this.#leastId === undefined || id < this.#leastId) this.#leastId = id;
    }
  }

  /** What fails is read again by the `take` that finds nothing, which throws. */
  #readAhead(): void {
    this.read().catch((thrown) => log.debug("cannot read ahead", { reason: errorMessage(thrown) }));
  }

  #callBackIfRoom(): void {
    const callback = this.#roomCallback;
    if (callback === undefined || this.#isClosed || this.room() === 0) return;
    this.#roomCallback = undefined;
    callback();
  }
}

/** All that a consumer needs of a job before it has claimed it. */
function toTicket(job: Job): Job {
  return { ...job, description: undefined, paramsJson: undefined, failureReason: undefined };
}
