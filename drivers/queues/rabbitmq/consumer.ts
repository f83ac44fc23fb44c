// Receives jobs from RabbitMQ and acks them; one for each connection. Called by the session. Nothing
// here outlives the connection: what was delivered through it comes back by itself.

import type { Channel, ConsumeMessage, Message, Replies } from "amqplib";
import { errorMessage } from "../../../src/errors.ts";
import type { Delivery } from "../../../src/jobs/queue.ts";
import { decodeJob } from "./message.ts";
import type { RabbitmqOptions } from "./options.ts";
import { RejectionLog } from "./rejections.ts";

/** What a consumer is made of. */
export interface ConsumerOptions {
  readonly channel: Channel;
  readonly options: RabbitmqOptions;
  /** Who reads; a message of another publisher is foreign. */
  readonly processId: string;
  readonly onDelivery: () => void;
  /** The broker sends nothing any more, because the queue was deleted or moved. */
  readonly onEnd: (error: Error) => void;
}

/** A delivery of this driver. */
interface RabbitmqDelivery extends Delivery {
  readonly consumer: Consumer;
  /** Its number in the channel. */
  readonly tag: number;
}

/** amqplib has a declare that waits for its answer only; this is the id of the method itself. */
const queueDeclareMethod = 0x0032_000a;

/** Declares the queue, or sees whether it is there where the options say so. Throws what amqplib throws. */
export function declareQueue(
  channel: Channel,
  options: RabbitmqOptions,
): Promise<Replies.AssertQueue> {
  const { queueName, durable, deletedWhenUnused: autoDelete, exclusive } = options;
  if (options.passive) return channel.checkQueue(queueName);
  const flags = { durable, autoDelete, exclusive };
  return channel.assertQueue(queueName, { ...flags, arguments: options.arguments });
}

/** Consumes one queue through one channel. */
export class Consumer {
  readonly #options: ConsumerOptions;
  /** Delivered by the broker, taken by nobody yet; at most as many as it may send ahead. */
  #buffer: RabbitmqDelivery[] = [];
  /** All that is neither acked nor nacked by tag, the lowest one first. */
  readonly #unsettled = new Map<number, RabbitmqDelivery>();
  readonly #rejections = new RejectionLog();

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /** Declares the queue and has its messages sent. Throws what amqplib throws. */
  async start(): Promise<void> {
    const { channel, options } = this.#options;
    await channel.prefetch(options.prefetch);
    if (options.nowait) this.#declareWithoutAnswer();
    else await this.#declare();
    await channel.consume(options.queueName, (message) => {
      if (message === null) this.#end();
      else this.#receive(message);
    });
  }

  /** How many messages wait, those that only this consumer can take included. Throws what amqplib throws. */
  async depth(): Promise<number> {
    const { messageCount, consumerCount } = await this.#declare();
    // RabbitMQ can forget to tell the consumers of a queue that is deleted and declared at the same time.
    if (consumerCount === 0) this.#end();
    return messageCount + this.#buffer.length;
  }

  #end(): void {
    const { onEnd, options: { queueName } } = this.#options;
    onEnd(new Error(`the queue ${queueName} was deleted`));
  }

  #declare(): Promise<Replies.AssertQueue> {
    const { channel, options } = this.#options;
    return declareQueue(channel, options);
  }

  /** Whether {@link take} would give something. */
  get hasDeliveries(): boolean {
    return this.#buffer.length > 0;
  }

  /** Takes what was delivered, in its order. */
  take(limit: number): readonly Delivery[] {
    return this.#buffer.splice(0, limit);
  }

  /** Drops what was delivered and not taken: its connection is gone. */
  drop(): void {
    this.#buffer = [];
    this.#unsettled.clear();
    this.#rejections.close();
  }

  /** Ends deliveries of this consumer; others are ignored. */
  ack(deliveries: readonly Delivery[]): void {
    const { channel } = this.#options;
    this.#settle(deliveries, (message, upTo) => channel.ack(message, upTo));
  }

  /** Gives deliveries of this consumer back to the queue; others are ignored. */
  nack(deliveries: readonly Delivery[]): void {
    const { channel } = this.#options;
    this.#settle(deliveries, (message, upTo) => channel.nack(message, upTo, true));
  }

  /** One frame for all that lies below the lowest unsettled tag, and one for each of the others. */
  #settle(deliveries: readonly Delivery[], send: (message: Message, upTo: boolean) => void): void {
    const tags: number[] = [];
    for (const { consumer, tag } of deliveries as readonly RabbitmqDelivery[]) {
      if (consumer === this && this.#unsettled.delete(tag)) tags.push(tag);
    }
    tags.sort((a, b) => a - b);
    const lowest = this.#unsettled.keys().next().value ?? Infinity;
    const below = tags.findLastIndex((tag) => tag < lowest);
    for (const [index, tag] of tags.entries()) {
      if (index >= below) send({ fields: { deliveryTag: tag } } as Message, index === below);
    }
  }

  #receive(message: ConsumeMessage): void {
    const { channel, processId, onDelivery } = this.#options;
    const tag = message.fields.deliveryTag;
    const isForeign = message.properties.appId !== processId;
    try {
      const job = decodeJob(message, isForeign);
      const delivery = { job, isForeign, consumer: this, tag };
      this.#unsettled.set(tag, delivery);
      this.#buffer.push(delivery);
    } catch (thrown) {
      channel.reject(message, false);
      this.#rejections.add(message, errorMessage(thrown));
      return;
    }
    onDelivery();
  }

  #declareWithoutAnswer(): void {
    const { channel, options } = this.#options;
    const { queueName, durable, deletedWhenUnused, exclusive } = options;
    (channel as unknown as { sendImmediately(method: number, fields: object): void })
      .sendImmediately(queueDeclareMethod, {
        queue: queueName,
        passive: false,
        durable,
        exclusive,
        autoDelete: deletedWhenUnused,
        nowait: true,
        arguments: options.arguments,
        ticket: 0,
      });
  }
}
