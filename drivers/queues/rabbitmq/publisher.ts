// Writes jobs to RabbitMQ and waits for its confirms; one for each session, which gives it its channel.
// What is not written yet waits as jobs, not as messages, so that the write buffer stays small.

import type { ConfirmChannel, Options } from "amqplib";
import { startTimer } from "../../../src/clock.ts";
import { errorMessage, ValetError } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { unavailable } from "./errors.ts";
import { encodeJob, maxMessageBytes, messageType } from "./message.ts";

/** What a publisher is made of. */
export interface PublisherOptions {
  readonly queueName: string;
  readonly persistent: boolean;
  /** Who publishes; stands in every message. */
  readonly processId: string;
  /** Told why the broker takes no messages for now, and, with undefined, that it does again. */
  readonly onTrouble: (reason: string | undefined) => void;
  /** The broker has no queue for the messages, or is silent; then the publisher is to {@link Publisher.fail}. */
  readonly onEnd: (error: Error) => void;
}

/** One call of `publish`. */
interface Batch {
  readonly jobs: readonly Job[];
  /** The first one that is not written. */
  nextIndex: number;
  unconfirmedCount: number;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: ValetError) => void;
}

/** A broker that confirms nothing for so long, while it should, is out of reach. */
const confirmTimeoutMs = 5_000;

/** Publishes to one queue, through one channel at a time. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #properties: Options.Publish;
  /** Undefined between one that the broker has closed and the next. */
  #channel: ConfirmChannel | undefined;
  #maxBytes = maxMessageBytes;
  #unwritten: Batch[] = [];
  /** Written or not, in the order of the calls. */
  readonly #unconfirmed = new Set<Batch>();
  #isBufferFull = false;
  #lastConfirmAtMs = 0;
  #cancelTimer: (() => void) | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#properties = {
      persistent: options.persistent,
      mandatory: true,
      contentType: "application/json",
      type: messageType,
      appId: options.processId,
    };
  }

  /** Publishes through this channel from now on, first of all what waits for a confirm. */
  useChannel(channel: ConfirmChannel): void {
    const { queueName, onEnd } = this.#options;
    this.#channel = channel;
    this.#isBufferFull = false;
    this.#lastConfirmAtMs = performance.now();
    // It comes before the confirm of the message.
    channel.on("return", () => onEnd(new Error(`the queue ${queueName} was deleted`)));
    channel.on("drain", () => {
      if (channel !== this.#channel) return;
      this.#isBufferFull = false;
      this.#write();
    });
    this.#write();
  }

  /**
   * The broker takes no message of more bytes, and has closed the channel for one: the calls with such a job are
   * rejected, the others wait for the next channel. False: there is no such job.
   */
  refuseLarge(maxBytes: number): boolean {
    this.#channel = undefined;
    this.#maxBytes = maxBytes;
    const { size } = this.#unconfirmed;
    for (const batch of [...this.#unconfirmed]) {
      try {
        for (const job of batch.jobs) encodeJob(job, maxBytes);
        // What the broker has taken already comes twice, which does no harm.
        batch.nextIndex = 0;
        batch.unconfirmedCount = batch.jobs.length;
      } catch (thrown) {
        this.#reject(batch, thrown as ValetError);
      }
    }
    this.#unwritten = [...this.#unconfirmed];
    return this.#unconfirmed.size < size;
  }

  /** Returns when the broker has confirmed all of them. Throws `unavailable`, `too_large`, `queue_full`. */
  publish(jobs: readonly Job[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const batch = { jobs, nextIndex: 0, unconfirmedCount: jobs.length, promise, resolve, reject };
    if (this.#unconfirmed.size === 0) this.#lastConfirmAtMs = performance.now();
    this.#unconfirmed.add(batch);
    this.#unwritten.push(batch);
    this.#write();
    if (this.#cancelTimer === undefined) this.#watch();
    return promise;
  }

  /** The broker has run short of something and takes no messages; undefined: it does again. */
  setBlocked(reason: string | undefined): void {
    const trouble = reason === undefined ? undefined : `RabbitMQ takes no messages: ${reason}`;
    if (trouble !== undefined) this.fail(trouble);
    this.#options.onTrouble(trouble);
  }

  /** Returns when nothing waits for a confirm. */
  async waitUntilIdle(): Promise<void> {
    await Promise.allSettled([...this.#unconfirmed].map(({ promise }) => promise));
  }

  /** Rejects every call that waits, and forgets what is not written. */
  fail(reason: string): void {
    const error = unavailable(`Cannot publish: ${reason}`);
    for (const batch of [...this.#unconfirmed]) this.#reject(batch, error);
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #write(): void {
    while (!this.#isBufferFull && this.#channel !== undefined) {
      const batch = this.#unwritten[0];
      if (batch === undefined) break;
      const job = batch.jobs[batch.nextIndex];
      if (job === undefined) this.#unwritten.shift();
      else this.#writeJob(this.#channel, batch, job);
    }
  }

  #writeJob(channel: ConfirmChannel, batch: Batch, job: Job): void {
    batch.nextIndex++;
    try {
      this.#isBufferFull = !channel.sendToQueue(
        this.#options.queueName,
        encodeJob(job, this.#maxBytes),
        { ...this.#properties, messageId: job.id },
        (error) => {
          // What a closed channel did not confirm goes through the next one.
          if (channel === this.#channel) this.#confirm(batch, error);
        },
      );
    } catch (thrown) {
      this.#reject(
        batch,
        thrown instanceof ValetError
          ? thrown
          : unavailable(`Cannot publish: ${errorMessage(thrown)}`, thrown),
      );
    }
  }

  #confirm(batch: Batch, error: unknown): void {
    // A refusal is an answer, too.
    this.#lastConfirmAtMs = performance.now();
    if (error !== null) return this.#reject(batch, confirmError(error, this.#options.queueName));
    if (--batch.unconfirmedCount === 0 && this.#unconfirmed.delete(batch)) batch.resolve();
  }

  #reject(batch: Batch, error: ValetError): void {
    if (!this.#unconfirmed.delete(batch)) return;
    batch.nextIndex = batch.jobs.length;
    batch.reject(error);
  }

  /** One timer for all that waits: a broker that has been silent for too long gets a new session. */
  #watch(): void {
    this.#cancelTimer = undefined;
    if (this.#unconfirmed.size === 0) return;
    const leftMs = this.#lastConfirmAtMs + confirmTimeoutMs - performance.now();
    if (leftMs > 0) {
      this.#cancelTimer = startTimer(leftMs, () => this.#watch());
    } else {
      const reason = `RabbitMQ has confirmed no message for ${confirmTimeoutMs / 1000} seconds`;
      this.#options.onEnd(new Error(reason));
    }
  }
}

/** What amqplib says of a message that it got back in place of a confirm. */
function confirmError(thrown: unknown, queueName: string): ValetError {
  const text = errorMessage(thrown);
  if (text !== "message nacked") {
    return unavailable(`Cannot publish: RabbitMQ did not take a message: ${text}`, thrown);
  }
  const message = `Cannot publish: the queue ${queueName} of RabbitMQ takes no more messages for ` +
    "now (x-max-length?); try again later";
  return new ValetError("queue_full", message, { cause: thrown });
}
