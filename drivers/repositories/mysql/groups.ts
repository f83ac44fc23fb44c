// Does what concurrent calls want in groups, so that they share statements and commits. Used by what inserts
// and changes jobs.

import type { Change } from "../../../src/jobs/job_change.ts";

/** What one call wants to be changed; `nowMs` is the time of the changes. */
export interface Batch<Kind extends Change = Change> {
  readonly changes: readonly Kind[];
  readonly nowMs: number;
}

/** A call that waits in a group. */
export interface Call<Input, Output> {
  readonly input: Input;
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

/** How to group calls. */
export interface GroupOptions<Input, Output> {
  /** How many groups may be under way at once; calls that come meanwhile make the next one. */
  readonly maxUnderWay: number;
  /** A group takes calls until it weighs this much; a heavier call makes a group of its own. */
  readonly maxWeight: number;
  weigh(input: Input): number;
  /** Answers every call of a group; what it throws is the answer of those that are left. */
  run(calls: readonly Call<Input, Output>[]): Promise<void>;
}

/** A function that takes part in the next group. A call that meets none begins one at once. */
export function createGroups<Input, Output>(
  { maxUnderWay, maxWeight, weigh, run }: GroupOptions<Input, Output>,
): (input: Input) => Promise<Output> {
  const waiting: Call<Input, Output>[] = [];
  let underWay = 0;

  const takeGroup = () => {
    let weight = 0;
    const end = waiting.findIndex(({ input }, i) => (weight += weigh(input)) > maxWeight && i > 0);
    return waiting.splice(0, end === -1 ? waiting.length : end);
  };

  const start = () => {
    while (underWay < maxUnderWay && waiting.length > 0) void runGroup(takeGroup());
  };

  const runGroup = async (calls: readonly Call<Input, Output>[]) => {
    underWay++;
    try {
      await run(calls);
    } catch (thrown) {
      for (const call of calls) call.reject(thrown);
    }
    underWay--;
    start();
  };

  return (input) =>
    new Promise((resolve, reject) => {
      // What else is called in this turn of the event loop comes along.
      if (waiting.push({ input, resolve, reject }) === 1) queueMicrotask(start);
    });
}
