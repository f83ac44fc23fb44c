// One stay with RabbitMQ, from the connection to its loss. Opened and replaced by queue.ts. It has two
// connections, because a broker short of memory stops reading what a publisher sends: acks must not wait.

import {
  type Channel,
  type ChannelModel,
  type ConfirmChannel,
  connect,
  type SocketOptions,
} from "amqplib";
import { startTimer } from "../../../src/clock.ts";
import { errorMessage, isUnavailable } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { getLogger } from "../../../src/log/log.ts";
import type { Delivery } from "../../../src/jobs/queue.ts";
import { Consumer, declareQueue } from "./consumer.ts";
import { isNotFound, messageLimitOf, openError, unavailable } from "./errors.ts";
import type { BrokerAddress, BrokerPlace, RabbitmqOptions } from "./options.ts";
import { Publisher } from "./publisher.ts";

/** What a session is made of. */
export interface SessionOptions {
  readonly options: RabbitmqOptions;
  /** Which of the brokers it is with. */
  readonly place: BrokerPlace;
  /** Who publishes and reads. */
  readonly processId: string;
  readonly onDelivery: () => void;
  /** Told why the broker takes no messages for now, and, with undefined, that it does again. */
  readonly onTrouble: (reason: string | undefined) => void;
}

/** Where a session speaks with the broker. */
interface Channels {
  readonly consuming: Line<Channel>;
  readonly publishing: Line<ConfirmChannel>;
}

/** A connection, and the one channel on it. */
interface Line<OfChannel extends Channel> {
  readonly connection: ChannelModel;
  readonly channel: OfChannel;
  /** Another one has taken its place: what becomes of it matters no more. */
  isRetired: boolean;
}

/** A connection that is silent for two intervals of this length is lost. */
const heartbeatSeconds = 10;
/** For everything up to the first message. */
const openTimeoutMs = 5_000;
/** For one answer of the broker. */
const answerTimeoutMs = 5_000;
/** For the confirms that are under way, and for leaving in order. */
const closeTimeoutMs = 2_000;
/** Frames that wait in memory for the socket; those of a large message have 128 KiB. */
const writeBufferFrames = 256;

const log = getLogger("rabbitmq");

/**
 * Connects, declares the queue and begins to consume. Leaves nothing behind if that fails or the signal
 * aborts.
 *
 * @throws ValetError `invalid_config`, `unavailable`
 */
export async function openSession(
  sessionOptions: SessionOptions,
  signal: AbortSignal,
): Promise<Session> {
  const { options, place } = sessionOptions;
  const life = new AbortController();
  const giveUp = () => life.abort(new Error("the job queue is closed"));
  signal.addEventListener("abort", giveUp);
  try {
    return await openInTime(options, place, life, async () => {
      const channels = {
        consuming: await openConsuming(sessionOptions, life),
        publishing: await openPublishing(sessionOptions, life),
      };
      const session = new Session(channels, life, sessionOptions);
      await session.start();
      return session;
    });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** Connects, sees whether the queue is, or can be, as the options describe it, and leaves. Throws like {@link openSession}. */
export async function tryBroker(options: RabbitmqOptions, place: BrokerPlace): Promise<void> {
  const life = new AbortController();
  await openInTime(options, place, life, async () => {
    const connection = await openConnection(options.broker, place, life, "check");
    const channel = await connection.createChannel();
    // What the broker closes the channel for is thrown, too.
    channel.on("error", () => {});
    // One that is not there will be made. One that is there as it is described stays as it is.
    const isThere = await channel.checkQueue(options.queueName).then(() => true, (thrown) => {
      if (options.passive || !isNotFound(thrown)) throw thrown;
      return false;
    });
    if (isThere) await declareQueue(channel, options);
    // amqplib does not tell that the broker has gone in place of an answer to this.
    await inTime(connection.close(), closeTimeoutMs);
  });
}

/** Ends what was opened, and throws the error of the driver, where that fails or takes too long. */
async function openInTime<Opened>(
  options: RabbitmqOptions,
  place: BrokerPlace,
  life: AbortController,
  open: () => Promise<Opened>,
): Promise<Opened> {
  const cancelTimer = startTimer(openTimeoutMs, () => {
    life.abort(new Error(`it did not answer within ${openTimeoutMs / 1000} seconds`));
  });
  try {
    return await open();
  } catch (thrown) {
    const reason = life.signal.aborted ? life.signal.reason : thrown;
    life.abort(reason);
    throw openError(reason, options, place);
  } finally {
    cancelTimer();
  }
}

/** A publisher and a consumer, while both of them are connected. */
export class Session {
  /** Why the session ended, once it has; from then on nothing of it can be used. */
  readonly lost: Promise<string>;
  readonly #options: SessionOptions;
  readonly #consuming: Line<Channel>;
  #publishing: Line<ConfirmChannel>;
  /** Its end is the end of the sockets, whatever state amqplib is in. */
  readonly #life: AbortController;
  readonly #publisher: Publisher;
  readonly #consumer: Consumer;

  constructor(channels: Channels, life: AbortController, sessionOptions: SessionOptions) {
    const { options, processId, onDelivery, onTrouble } = sessionOptions;
    const onEnd = (error: Error) => life.abort(error);
    this.#options = sessionOptions;
    this.#consuming = channels.consuming;
    this.#publishing = channels.publishing;
    this.#life = life;
    this.#publisher = new Publisher({
      queueName: options.queueName,
      persistent: options.durable,
      processId,
      onTrouble,
      onEnd,
    });
    this.#consumer = new Consumer({
      channel: channels.consuming.channel,
      options,
      processId,
      onDelivery,
      onEnd,
    });
    this.#publishThrough(channels.publishing);
    this.lost = new Promise((resolve) => {
      life.signal.addEventListener("abort", () => {
        const reason = errorMessage(life.signal.reason);
        this.#publisher.fail(reason);
        this.#consumer.drop();
        resolve(reason);
      });
    });
  }

  /** Declares the queue and begins to consume. Throws what amqplib throws. */
  start(): Promise<void> {
    return this.#consumer.start();
  }

  /** Publishes as the port says. */
  async publish(jobs: readonly Job[]): Promise<void> {
    if (this.#life.signal.aborted) throw unavailable("Cannot publish: RabbitMQ is gone");
    await this.#publisher.publish(jobs);
  }

  /** How many messages wait, those that only this consumer can take included. */
  async depth(): Promise<number> {
    try {
      return await inTime(this.#consumer.depth(), answerTimeoutMs);
    } catch (thrown) {
      // It came too late: the next session may be answered, and the loss of this one is told.
      if (isUnavailable(thrown)) this.#life.abort(thrown);
      throw unavailable(`Cannot ask RabbitMQ for its queue: ${errorMessage(thrown)}`, thrown);
    }
  }

  /** Whether {@link take} would give something. */
  get hasDeliveries(): boolean {
    return this.#consumer.hasDeliveries;
  }

  /** Takes what was delivered. */
  take(limit: number): readonly Delivery[] {
    return this.#consumer.take(limit);
  }

  /** Acks deliveries of this session; others are ignored. */
  ack(deliveries: readonly Delivery[]): void {
    if (!this.#life.signal.aborted) this.#consumer.ack(deliveries);
  }

  /** Gives deliveries of this session back; others are ignored. */
  nack(deliveries: readonly Delivery[]): void {
    if (!this.#life.signal.aborted) this.#consumer.nack(deliveries);
  }

  /** Leaves in order if that takes no longer than it should, else without a word. */
  async close(): Promise<void> {
    if (this.#life.signal.aborted) return;
    try {
      await inTime(this.#leave(), closeTimeoutMs);
    } catch (thrown) {
      log.debug("left without a word", { reason: errorMessage(thrown) });
    }
    this.#life.abort(new Error("the job queue is closed"));
  }

  async #leave(): Promise<void> {
    await this.#publisher.waitUntilIdle();
    // First the channel: the end of a connection overtakes the acks that are still to be written.
    await this.#consuming.channel.close();
    const lines = [this.#consuming, this.#publishing];
    await Promise.all(lines.map(({ connection }) => connection.close()));
  }

  #publishThrough(line: Line<ConfirmChannel>): void {
    const { connection, channel } = line;
    this.#publishing = line;
    connection.on("blocked", (reason) => this.#publisher.setBlocked(reason));
    connection.on("unblocked", () => this.#publisher.setBlocked(undefined));
    channel.on("error", (error) => {
      const maxBytes = messageLimitOf(error);
      const isRefusal = maxBytes !== undefined && this.#publisher.refuseLarge(maxBytes);
      if (!isRefusal) return this.#life.abort(error);
      log.warn("RabbitMQ refused a message that is too large", { max_message_size: maxBytes });
      void this.#replace(line);
    });
    this.#publisher.useChannel(channel);
  }

  /**
   * The broker has closed the channel for one message: the others go through another one. On another connection,
   * since frames of the closed channel may still be on their way, and a new channel would get its number.
   */
  async #replace(line: Line<ConfirmChannel>): Promise<void> {
    line.isRetired = true;
    try {
      this.#publishThrough(await inTime(openPublishing(this.#options, this.#life), openTimeoutMs));
    } catch (thrown) {
      this.#life.abort(thrown);
    }
    await line.connection.close().catch((thrown) => {
      log.debug("left without a word", { reason: errorMessage(thrown) });
    });
  }
}

async function openConsuming(
  options: SessionOptions,
  life: AbortController,
): Promise<Line<Channel>> {
  const openChannel = (connection: ChannelModel) => connection.createChannel();
  const line = await openLine(options, life, "consumer", openChannel);
  line.channel.on("error", (error) => life.abort(error));
  return line;
}

function openPublishing(
  options: SessionOptions,
  life: AbortController,
): Promise<Line<ConfirmChannel>> {
  return openLine(
    options,
    life,
    "publisher",
    (connection) => connection.createConfirmChannel({ highWaterMark: writeBufferFrames }),
  );
}

async function openLine<OfChannel extends Channel>(
  { options: { broker }, place }: SessionOptions,
  life: AbortController,
  role: string,
  openChannel: (connection: ChannelModel) => Promise<OfChannel>,
): Promise<Line<OfChannel>> {
  let line: Line<OfChannel> | undefined;
  const connection = await openConnection(
    broker,
    place,
    life,
    role,
    () => line?.isRetired === true,
  );
  return line = { connection, channel: await openChannel(connection), isRetired: false };
}

/** @param isRetired Whether its loss matters no more. */
async function openConnection(
  { protocol, username, password, vhost }: BrokerAddress,
  place: BrokerPlace,
  life: AbortController,
  role: string,
  isRetired: () => boolean = () => false,
): Promise<ChannelModel> {
  const login = { protocol, username, password, vhost, heartbeat: heartbeatSeconds };
  const connection = await connect({ ...login, ...place }, {
    noDelay: true,
    clientProperties: { connection_name: `valet ${role}` },
    signal: life.signal,
  } as SocketOptions);
  const lose = (error: unknown) => {
    if (!isRetired()) life.abort(error);
  };
  connection.on("error", lose);
  // Without an error where this side has closed it.
  connection.on("close", (error) => {
    if (error !== undefined) lose(error);
  });
  return connection;
}

async function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  const timeUp = Promise.withResolvers<never>();
  const cancelTimer = startTimer(timeoutMs, () => {
    timeUp.reject(unavailable(`RabbitMQ did not answer within ${timeoutMs / 1000} seconds`));
  });
  try {
    return await Promise.race([promise, timeUp.promise]);
  } finally {
    cancelTimer();
  }
}
