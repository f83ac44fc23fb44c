import assert from "node:assert/strict";
import { EarliestTimer } from "../../../src/executor/earliest_timer.ts";
import { within } from "../../testing/within.ts";

/** A timer on a clock at 0, and the delays that it asks the runtime for. */
function watchDelays(use: (timer: EarliestTimer) => void): number[] {
  const { setTimeout } = globalThis;
  const delays: number[] = [];
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    delays.push(ms);
    return setTimeout(callback, ms);
  }) as typeof setTimeout;
  const timer = new EarliestTimer(() => 0, () => assert.fail("it called back"));
  try {
    use(timer);
  } finally {
    timer.disarm();
    globalThis.setTimeout = setTimeout;
  }
  return delays;
}

Deno.test("EarliestTimer calls back at the time, or just before, and once", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  const timer = new EarliestTimer(Date.now, () => {
    calls += 1;
    resolve();
  });
  const atMs = Date.now() + 30;
  timer.arm(atMs);
  await within(promise, "the call");
  assert.ok(Date.now() >= atMs - 2, "it called back early");
  assert.equal(calls, 1);
});

Deno.test("EarliestTimer is set anew only by an earlier time", () => {
  const delays = watchDelays((timer) => {
    for (const atMs of [5_000, 7_000, 5_000, Infinity, 3_000, 4_000]) timer.arm(atMs);
  });
  assert.deepEqual(delays, [5_000, 3_000]);
});

Deno.test("EarliestTimer is set at once for a time that is past", () => {
  assert.deepEqual(watchDelays((timer) => timer.arm(-1_000)), [0]);
});

Deno.test("EarliestTimer waits for a far time as long as a timer can, and not a moment", () => {
  const delays = watchDelays((timer) => timer.arm(Date.UTC(9999, 11, 31)));
  assert.deepEqual(delays, [2_147_483_647]);
});

Deno.test("EarliestTimer needs none for Infinity", () => {
  assert.deepEqual(watchDelays((timer) => timer.arm(Infinity)), []);
});

Deno.test("EarliestTimer may be armed again by the call, and after it was disarmed", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  const timer: EarliestTimer = new EarliestTimer(Date.now, () => {
    calls += 1;
    if (calls === 3) resolve();
    else timer.arm(Date.now() + 1);
  });
  timer.arm(Date.now() + 60_000);
  timer.disarm();
  timer.arm(Date.now() + 1);
  await within(promise, "the third call");
  assert.equal(calls, 3);
});
