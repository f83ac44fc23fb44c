import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";

const never = new AbortController().signal;
const century = 100 * 365 * 24 * 3_600_000;

Deno.test("systemClock.now tells the time of the machine", () => {
  const beforeMs = Date.now();
  const nowMs = systemClock.now();
  assert.ok(nowMs >= beforeMs && nowMs <= Date.now());
});

Deno.test("systemClock.sleep resolves after the time, and at once for none or less", async () => {
  const startMs = performance.now();
  await systemClock.sleep(20, never);
  assert.ok(performance.now() - startMs >= 19);
  await systemClock.sleep(0, never);
  await systemClock.sleep(-1, never);
  await systemClock.sleep(-Infinity, never);
});

Deno.test("systemClock.sleep ends when the signal aborts, however long it was to be", async () => {
  for (const ms of [60_000, century, Number.MAX_SAFE_INTEGER]) {
    const controller = new AbortController();
    let isAwake = false;
    const slept = systemClock.sleep(ms, controller.signal).then(() => isAwake = true);
    await systemClock.sleep(5, never);
    // A delay that a timer cannot hold would end it after a millisecond.
    assert.equal(isAwake, false);
    controller.abort();
    await slept;
  }
});

Deno.test("systemClock.sleep does not begin where the signal has aborted", async () => {
  await systemClock.sleep(60_000, AbortSignal.abort());
});
