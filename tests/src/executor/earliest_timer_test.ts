import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import { EarliestTimer } from "../../../src/executor/earliest_timer.ts";
import { within } from "../../testing/within.ts";

const hourMs = 3_600_000;

/** A timer, its calls so far, and the first one. */
function countCalls() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const counted = { calls: 0, called: within(promise, "the call") };
  const timer = new EarliestTimer(Date.now, () => {
    counted.calls += 1;
    resolve();
  });
  return { timer, counted };
}

Deno.test("EarliestTimer calls back at the earliest time, not before, and once", async () => {
  const { timer, counted } = countCalls();
  const atMs = Date.now() + 30;
  for (const armedMs of [atMs + hourMs, Infinity, atMs, atMs + 1, Infinity]) timer.arm(armedMs);
  await counted.called;
  assert.ok(Date.now() >= atMs - 1, "it called back early");
  await systemClock.sleep(5, new AbortController().signal);
  assert.equal(counted.calls, 1);
});

Deno.test("EarliestTimer calls back at once for a time that is past, but not within the call", async () => {
  const { timer, counted } = countCalls();
  timer.arm(Date.now() - 1_000);
  assert.equal(counted.calls, 0);
  await counted.called;
});

Deno.test("EarliestTimer waits for a far time, and for no time", async () => {
  const { timer, counted } = countCalls();
  timer.arm(Date.UTC(9999, 11, 31));
  timer.arm(Infinity);
  await systemClock.sleep(5, new AbortController().signal);
  assert.equal(counted.calls, 0);
  timer.disarm();
  timer.arm(Date.now());
  await counted.called;
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
