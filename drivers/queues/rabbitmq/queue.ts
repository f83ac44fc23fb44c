// A queue in RabbitMQ, which several nodes can share. Opened by drivers/mod.ts. It keeps one session with
// the broker and, when that is lost, opens the next one until it succeeds or the queue is closed.

// deno-lint-ignore-file require-await -- async only turns what is thrown into a rejection

import { steadyNow, systemClock } from "../../../src/clock.ts";
import { errorMessage, isQueueFull, isUnavailable } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { getLogger } from "../../../src/log/log.ts";
import type { Delivery, Queue } from "../../../src/jobs/queue.ts";
import type { Health } from "../../../src/jobs/repository.ts";
import { unavailable } from "./errors.ts";
import { parseRabbitmqOptions, type RabbitmqOptions } from "./options.ts";
import { openSession, type Session, type SessionOptions, tryBroker } from "./session.ts";
import { WaitingTake } from "../waiting_take.ts";

/** Between tries to connect: doubles up to the maximum; up to a half of it is left to chance. */
const minRetryMs = 100;
const maxRetryMs = 500;
/** A queue that has refused a message for want of room is not asked again for so long. */
const fullMs = 50;

const log = getLogger("rabbitmq");

/**
 * Connects to RabbitMQ and declares the queue.
 *
 * @param options `{ uri, queueName, queueType, arguments, passive, durable, deletedWhenUnused, exclusive, nowait,
 * prefetch }`, all but `uri` with defaults: `job`, `classic`, none, false for each flag, 64. The flags are AMQP's.
 * Of several hosts in `uri` one is used; the others are tried in turn when it cannot be reached.
 * @throws ValetError `invalid_config`, also where the broker refuses the user, the vhost or the queue as it is
 * described; `unavailable` where the broker cannot be reached or another connection has the queue for itself.
 */
export async function openRabbitmqQueue(options?: unknown): Promise<Queue> {
  return await RabbitmqQueue.open(parseRabbitmqOptions(options));
}

/**
 * Tries to reach RabbitMQ and to use the queue as it is there, and leaves: declares nothing, takes no message.
 * Throws like {@link openRabbitmqQueue}.
 */
export async function connectRabbitmqQueue(options?: unknown): Promise<void> {
  const parsed = parseRabbitmqOptions(options);
  const reasons: string[] = [];
  for (const place of parsed.broker.places) {
    try {
      return await tryBroker(parsed, place);
    } catch (thrown) {
      if (!isUnavailable(thrown)) throw thrown;
      reasons.push(errorMessage(thrown));
    }
  }
  throw unavailable(reasons.join("; "));
}

/** Throws `invalid_config` for options that {@link openRabbitmqQueue} refuses without asking the broker. */
export function checkRabbitmqQueue(options?: unknown): void {
  parseRabbitmqOptions(options);
}

class RabbitmqQueue implements Queue {
  readonly isShared = true;
  readonly #sessionOptions: Omit<SessionOptions, "place">;
  /** Of the broker to try next. */
  #placeIndex = 0;
  readonly #closing = new AbortController();
  readonly #waitingTake = new WaitingTake();
  #session!: Session;
  #staying!: Promise<void>;
  #closed: Promise<void> | undefined;
  /** Why nothing can be published; undefined: all is well. */
  #trouble: string | undefined;
  #troubledAtMs = 0;
  /** Whether it has just refused a message. How much room there is the broker does not tell. */
  #isFull = false;
  #isWakePlanned = false;
  #roomCallback: (() => void) | undefined;

  private constructor(options: RabbitmqOptions) {
    this.#sessionOptions = {
      options,
      processId: crypto.randomUUID(),
      onDelivery: () => this.#wakeSoon(),
      onTrouble: (reason) => this.#setTrouble(reason),
    };
  }

  static async open(options: RabbitmqOptions): Promise<RabbitmqQueue> {
    const queue = new RabbitmqQueue(options);
    queue.#session = await queue.#openSession();
    queue.#staying = queue.#stayConnected();
    return queue;
  }

  async publish(jobs: readonly Job[]): Promise<void> {
    this.#assertInReach();
    if (jobs.length === 0) return;
    try {
      await this.#session.publish(jobs);
    } catch (thrown) {
      if (isQueueFull(thrown)) void this.#beFull();
      throw thrown;
    }
  }

  room(): number {
    this.#assertInReach();
    return this.#isFull ? 0 : Infinity;
  }

  depth(): Promise<number> {
    return this.#session.depth();
  }

  onRoom(callback: () => void): void {
    this.#roomCallback = callback;
    this.#callBackIfRoom();
  }

  take(limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    const taken = signal.aborted ? [] : this.#takeNow(limit);
    const isOver = signal.aborted || this.#closing.signal.aborted;
    if (taken.length > 0 || isOver) return Promise.resolve(taken);
    return this.#waitingTake.wait(signal, () => this.#takeNow(limit));
  }

  async ack(deliveries: readonly Delivery[]): Promise<void> {
    if (!this.#closing.signal.aborted) this.#session.ack(deliveries);
  }

  async nack(deliveries: readonly Delivery[]): Promise<void> {
    if (!this.#closing.signal.aborted) this.#session.nack(deliveries);
  }

  async health(): Promise<Health> {
    const reason = this.#trouble;
    return reason === undefined ? { isHealthy: true } : { isHealthy: false, reason };
  }

  close(): Promise<void> {
    this.#closed ??= this.#leave();
    return this.#closed;
  }

  async #leave(): Promise<void> {
    this.#trouble = "the job queue is closed";
    this.#roomCallback = undefined;
    this.#closing.abort();
    this.#waitingTake.wake();
    await this.#session.close();
    await this.#staying;
  }

  #takeNow(limit: number): readonly Delivery[] {
    return this.#closing.signal.aborted ? [] : this.#session.take(limit);
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const reason = await this.#session.lost;
      this.#setTrouble(`the connection to RabbitMQ was lost: ${reason}`);
      await this.#reconnect(signal);
    }
    await this.#session.close();
  }

  async #reconnect(signal: AbortSignal): Promise<void> {
    for (let retryMs = minRetryMs; !signal.aborted; retryMs = Math.min(maxRetryMs, retryMs * 2)) {
      await systemClock.sleep(retryMs * (1 - Math.random() / 2), signal);
      if (signal.aborted) return;
      try {
        this.#session = await this.#openSession();
      } catch (thrown) {
        this.#setTrouble(errorMessage(thrown));
        continue;
      }
      this.#setTrouble(undefined);
      this.#wakeSoon();
      return;
    }
  }

  /** A session with the first broker that can be reached, each tried once, beginning with the one after the last. */
  async #openSession(): Promise<Session> {
    const { places } = this.#sessionOptions.options.broker;
    const reasons: string[] = [];
    for (let left = places.length; left > 0; left--) {
      const place = places[this.#placeIndex++ % places.length]!;
      try {
        return await openSession({ ...this.#sessionOptions, place }, this.#closing.signal);
      } catch (thrown) {
        if (!isUnavailable(thrown) || this.#closing.signal.aborted) throw thrown;
        reasons.push(errorMessage(thrown));
      }
    }
    throw unavailable(reasons.join("; "));
  }

  /** Tells of the first of several troubles, and of the end of the last. */
  #setTrouble(reason: string | undefined): void {
    if (this.#closing.signal.aborted) return;
    const before = this.#trouble;
    this.#trouble = reason;
    if (before === undefined && reason !== undefined) {
      this.#troubledAtMs = steadyNow();
      log.error("RabbitMQ is out of reach, trying again", { reason });
    } else if (before !== undefined && reason === undefined) {
      log.info("RabbitMQ is back", {
        outage_ms: Math.round(steadyNow() - this.#troubledAtMs),
      });
    }
    this.#callBackIfRoom();
  }

  #assertInReach(): void {
    if (this.#trouble !== undefined) throw unavailable(`Cannot publish: ${this.#trouble}`);
  }

  async #beFull(): Promise<void> {
    if (this.#isFull) return;
    this.#isFull = true;
    await systemClock.sleep(fullMs, this.#closing.signal);
    this.#isFull = false;
    this.#callBackIfRoom();
  }

  /** Once for all the messages that arrive in one turn, so that one `take` gets them all. */
  #wakeSoon(): void {
    if (this.#isWakePlanned || !this.#waitingTake.isWaiting) return;
    this.#isWakePlanned = true;
    queueMicrotask(() => {
      this.#isWakePlanned = false;
      if (this.#session.hasDeliveries) this.#waitingTake.wake();
    });
  }

  #callBackIfRoom(): void {
    const callback = this.#roomCallback;
    if (callback === undefined || this.#trouble !== undefined || this.#isFull) return;
    this.#roomCallback = undefined;
    callback();
  }
}
