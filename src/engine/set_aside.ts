// Messages of jobs that this node must not run now, though there is room for them. Used by the dispatcher.

import type { Clock } from "../clock.ts";
import type { Delivery, Queue } from "../jobs/queue.ts";
import type { Repository } from "../jobs/repository.ts";
import { publishWaiting } from "./publish.ts";

/** What the messages are answered with. */
export interface SetAsideOptions {
  readonly repository: Repository;
  readonly queue: Queue;
  readonly clock: Clock;
}

/** Of more jobs a durable repository is asked again: the rescuer finds those without a message. */
const maxCount = 10_000;

/** One message for each of these jobs. */
export class SetAside {
  readonly #options: SetAsideOptions;
  readonly #deliveries = new Map<string, Delivery>();

  constructor(options: SetAsideOptions) {
    this.#options = options;
  }

  /** How many jobs there are. */
  get size(): number {
    return this.#deliveries.size;
  }

  /** Keeps messages until they are put back. Throws like the `ack` of the queue. */
  async add(deliveries: readonly Delivery[]): Promise<void> {
    const { queue, repository } = this.#options;
    const ended: Delivery[] = [];
    for (const delivery of deliveries) {
      const { id } = delivery.job;
      const earlier = this.#deliveries.get(id);
      const isKept = earlier !== undefined || this.size < maxCount || !repository.isDurable;
      if (isKept) this.#deliveries.set(id, delivery);
      if (earlier !== undefined) ended.push(earlier);
      // A broker sends only so many ahead: these must not take the place of other messages.
      if (!isKept || queue.isShared) ended.push(delivery);
    }
    if (ended.length > 0) await queue.ack(ended);
  }

  /** Puts all of them back into the queue. Throws like its `publish` and `nack`. */
  async putBack(): Promise<void> {
    const { queue } = this.#options;
    const deliveries = [...this.#deliveries.values()];
    this.#deliveries.clear();
    if (deliveries.length === 0) return;
    if (!queue.isShared) return await queue.nack(deliveries);
    await publishWaiting(deliveries.map(({ job }) => job), this.#options);
  }
}
