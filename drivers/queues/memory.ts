// A bounded queue in this process, first in, first out, with real ack and nack.
// Opened by drivers/mod.ts. It keeps no hold of what it has delivered: only the consumer does.

// deno-lint-ignore-file require-await -- async only turns what is thrown into a rejection

import { ValetError } from "../../src/errors.ts";
import type { Job } from "../../src/jobs/job.ts";
import { type Delivery, type Queue, queueFull } from "../../src/jobs/queue.ts";
import type { Health } from "../../src/jobs/repository.ts";
import { readPositiveInteger } from "../read_option.ts";
import { WaitingTake } from "./waiting_take.ts";

interface Message extends Delivery {
  /** Its place among all messages that were ever delivered. */
  readonly place: number;
  /** The queue that has delivered it, until it is acked or nacked. */
  origin: MemoryQueue | undefined;
}

/**
 * Opens an empty queue that ends with the process.
 *
 * @param options `{ capacity }`: how many messages may wait, default 100.
 * @throws ValetError `invalid_config`
 */
export async function openMemoryQueue(options?: unknown): Promise<Queue> {
  return new MemoryQueue(readCapacity(options));
}

/** Throws `invalid_config` for options that {@link openMemoryQueue} would refuse. */
export function checkMemoryQueue(options?: unknown): void {
  readCapacity(options);
}

function readCapacity(options: unknown): number {
  return readPositiveInteger(options, "capacity", 100, "memory job queue");
}

class MemoryQueue implements Queue {
  readonly isShared = false;
  readonly #capacity: number;
  /** The jobs never delivered, from `#head` on. */
  #waiting: (Job | undefined)[] = [];
  #head = 0;
  /** What came back, the first one last. All of it was delivered before anything that waits. */
  #returned: Message[] = [];
  #deliveredCount = 0;
  readonly #waitingTake = new WaitingTake();
  #roomCallback: (() => void) | undefined;
  #isClosed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  async publish(jobs: readonly Job[]): Promise<void> {
    const room = this.room();
    if (jobs.length > room) throw queueFull(jobs.length, room, this.#capacity);
    for (const job of jobs) this.#waiting.push(job);
    if (jobs.length > 0) this.#waitingTake.wake();
  }

  room(): number {
    this.#assertOpen();
    return Math.max(0, this.#capacity - this.#length);
  }

  async depth(): Promise<number> {
    this.#assertOpen();
    return this.#length;
  }

  onRoom(callback: () => void): void {
    this.#roomCallback = callback;
    this.#callBackIfRoom();
  }

  take(limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    if (this.#length > 0 || this.#isClosed || signal.aborted) {
      return Promise.resolve(signal.aborted ? [] : this.#takeNow(limit));
    }
    return this.#waitingTake.wait(signal, () => this.#takeNow(limit));
  }

  async ack(deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) this.#end(delivery as Message);
  }

  async nack(deliveries: readonly Delivery[]): Promise<void> {
    if (this.#isClosed) return;
    for (const delivery of deliveries) {
      const message = delivery as Message;
      if (this.#end(message)) {
        const { job, place } = message;
        this.#returned.push({ job, isForeign: false, place, origin: undefined });
      }
    }
    this.#returned.sort((a, b) => b.place - a.place);
    if (this.#length > 0) this.#waitingTake.wake();
  }

  async health(): Promise<Health> {
    return this.#isClosed
      ? { isHealthy: false, reason: "the job queue is closed" }
      : { isHealthy: true };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting = [];
    this.#head = 0;
    this.#returned = [];
    this.#roomCallback = undefined;
    this.#waitingTake.wake();
  }

  get #length(): number {
    return this.#returned.length + this.#waiting.length - this.#head;
  }

  #takeNow(limit: number): readonly Delivery[] {
    const messages: Message[] = [];
    while (messages.length < limit) {
      const message = this.#returned.pop() ?? this.#shift();
      if (message === undefined) break;
      message.origin = this;
      messages.push(message);
    }
    this.#callBackIfRoom();
    return messages;
  }

  /** The next message that was never delivered. Array.shift would move all that wait behind it. */
  #shift(): Message | undefined {
    const job = this.#waiting[this.#head];
    if (job === undefined) return undefined;
    this.#waiting[this.#head++] = undefined;
    if (this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return { job, isForeign: false, place: this.#deliveredCount++, origin: undefined };
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new ValetError("unavailable", "The memory job queue is closed");
  }

  /** Whether the message was in the hands of a consumer of this queue; from now on it is not. */
  #end(message: Message): boolean {
    if (message.origin !== this) return false;
    message.origin = undefined;
    return true;
  }

  #callBackIfRoom(): void {
    const callback = this.#roomCallback;
    if (callback === undefined || this.#isClosed || this.room() === 0) return;
    this.#roomCallback = undefined;
    callback();
  }
}
