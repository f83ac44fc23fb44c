// The promises of the Queue port, each one a named test; every driver runs all of them.
// Written against src/jobs/queue.ts alone: nothing here may know a driver or how fast it is.

import type { Queue } from "../../src/jobs/queue.ts";
import { testQueueBounds } from "./queue_bounds.ts";
import { testDeliveries } from "./queue_deliveries.ts";
import { testQueueLifeCycle } from "./queue_life_cycle.ts";

/** What the suite needs of a driver. */
export interface QueueSuite {
  /** Name of the driver; begins the name of each test. */
  readonly name: string;
  /** What the driver says of itself. */
  readonly isShared: boolean;
  /** Opens the driver on a fresh, empty queue for so many waiting messages. The test closes it. */
  open(capacity: number): Promise<Queue>;
  /** What declares the tests. Default: `Deno.test`. */
  readonly declare?: typeof Deno.test;
  /** Promises that the driver cannot keep, each with the reason why; their tests are ignored. */
  readonly exceptions?: {
    /** Nothing bounds the queue: `publish` is never `queue_full`. */
    readonly bound?: string;
    /** A nacked message may come back behind others. */
    readonly nackOrder?: string;
    /** A message lacks the large texts of its job. */
    readonly largeTexts?: string;
  };
}

/** Declares one test: opens a fresh queue for it and closes it after. */
export type TestQueue = (
  promise: string,
  test: (queue: Queue) => Promise<void>,
  options?: { readonly capacity?: number; readonly exception?: string | undefined },
) => void;

/** Declares the tests that every queue driver must pass. */
export function queueConformance(suite: QueueSuite): void {
  const { name, isShared, open, declare = Deno.test, exceptions = {} } = suite;
  const test: TestQueue = (promise, body, { capacity = 1000, exception } = {}) => {
    const reason = exception === undefined ? "" : ` (ignored: ${exception})`;
    declare({
      name: `${name} queue: ${promise}${reason}`,
      ignore: exception !== undefined,
      fn: async () => {
        const queue = await open(capacity);
        try {
          await body(queue);
        } finally {
          await queue.close();
        }
      },
    });
  };
  testDeliveries(test, exceptions);
  testQueueBounds(test, exceptions.bound);
  testQueueLifeCycle(test, isShared);
}
