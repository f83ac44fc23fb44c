// Tells of the messages that a consumer rejects, without a line for each: whoever sends to the wrong queue
// sends many. Called by consumer.ts, with one for each connection.

import type { ConsumeMessage } from "amqplib";
import { startTimer } from "../../../src/clock.ts";
import { getLogger } from "../../../src/log/log.ts";

/** Between two lines. */
const intervalMs = 1_000;

const log = getLogger("rabbitmq");

/** Logs the first rejection at once, and then once a second how many there were since. */
export class RejectionLog {
  #count = 0;
  #last: Readonly<Record<string, unknown>> = {};
  #cancelTimer: (() => void) | undefined;

  /** Adds a message that was rejected. */
  add({ content, fields, properties }: ConsumeMessage, reason: string): void {
    this.#count++;
    // What helps to find the sender. AMQP bounds each of these texts: 255 bytes.
    this.#last = {
      exchange: fields.exchange,
      routing_key: fields.routingKey,
      app_id: properties.appId,
      message_id: properties.messageId,
      bytes: content.length,
      reason,
    };
    if (this.#cancelTimer === undefined) this.#tellRepeatedly();
  }

  /** Tells of those that nothing was said of yet. No message may be added after this. */
  close(): void {
    this.#cancelTimer?.();
    this.#tell();
  }

  #tellRepeatedly(): void {
    const hasNews = this.#count > 0;
    this.#tell();
    this.#cancelTimer = hasNews ? startTimer(intervalMs, () => this.#tellRepeatedly()) : undefined;
  }

  #tell(): void {
    if (this.#count === 0) return;
    log.error("rejected messages that are no jobs; the fields are those of the last one", {
      count: this.#count,
      ...this.#last,
    });
    this.#count = 0;
  }
}
