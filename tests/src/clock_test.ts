import assert from "node:assert/strict";
import { nextTurn, startTimer, systemClock } from "../../src/clock.ts";
import { within } from "../testing/within.ts";

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

/** Calls back with the names, in the order of their times. */
function startTimers(delays: Readonly<Record<string, number>>, onTime: (name: string) => void) {
  return Object.entries(delays).map(([name, ms]) => startTimer(ms, () => onTime(name)));
}

Deno.test("startTimer calls back in the order of the times, never before, and once", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const startMs = performance.now();
  const calls: [string, number][] = [];
  const delays = { last: 45, first: 0.5, second: 20, past: -7, third: 20.5 };
  startTimers(delays, (name) => {
    calls.push([name, performance.now() - startMs]);
    if (name === "last") resolve();
  });
  assert.equal(calls.length, 0);
  await within(promise, "the last call");
  assert.deepEqual(calls.map(([name]) => name), ["past", "first", "second", "third", "last"]);
  for (const [name, afterMs] of calls) {
    assert.ok(afterMs >= delays[name as keyof typeof delays], `${name} after ${afterMs} ms`);
  }
});

Deno.test("startTimer makes no call that was cancelled, be it by another one that is due as well", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const calls: string[] = [];
  const cancels: (() => void)[] = startTimers({ a: 1, b: 1.1, c: 1.2, d: 30 }, (name) => {
    calls.push(name);
    cancels[2]!();
    if (name === "d") resolve();
  });
  cancels[1]!();
  cancels[1]!();
  await within(promise, "the last call");
  assert.deepEqual(calls, ["a", "d"]);
  cancels[3]!();
});

Deno.test("startTimer makes every call, whichever of them throws, and starts from within a call", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const calls: string[] = [];
  const thrown: unknown[] = [];
  const watch = (event: ErrorEvent) => {
    event.preventDefault();
    thrown.push(event.error);
  };
  addEventListener("error", watch);
  startTimers({ a: 1, throws: 1.1, c: 1.2 }, (name) => {
    if (name === "throws") throw name;
    calls.push(name);
    if (name === "c") startTimer(0, resolve);
  });
  await within(promise, "the last call");
  removeEventListener("error", watch);
  assert.deepEqual(calls, ["a", "c"]);
  assert.deepEqual(thrown, ["throws"]);
});

Deno.test("startTimer takes few timers of the runtime, and none for more than a minute", async () => {
  const { timeout } = AbortSignal;
  const delays: number[] = [];
  AbortSignal.timeout = (ms) => {
    delays.push(ms);
    return new AbortController().signal;
  };
  try {
    // Another instance of the module, which has no timer yet.
    const url = import.meta.resolve("../../src/clock.ts?watched");
    const clock: typeof import("../../src/clock.ts") = await import(url);
    for (let ms = century; ms > 60_000; ms /= 1.01) clock.startTimer(ms, () => {});
    for (let count = 0; count < 1_000; count++) clock.startTimer(50_000, () => {})();
    clock.startTimer(50, () => {});
  } finally {
    AbortSignal.timeout = timeout;
  }
  assert.deepEqual(delays, [60_000, 50_000, 50]);
});

Deno.test("startTimer refuses a time that is none, and goes on", async () => {
  assert.throws(() => startTimer(NaN, () => {}), TypeError);
  const { promise, resolve } = Promise.withResolvers<void>();
  startTimer(1, resolve);
  await within(promise, "the call");
});

Deno.test("nextTurn lets everything run that is ready, and does not wait for more", async () => {
  await nextTurn();
  let ran = 0;
  const turn = nextTurn().then(() => ran);
  (async () => {
    for (; ran < 100; ran++) await null;
  })();
  assert.equal(await turn, 100);
});

Deno.test("nextTurn keeps the process alive", async () => {
  const program = `
    import { nextTurn } from "${import.meta.resolve("../../src/clock.ts")}";
    await nextTurn();
    Deno.exit(7);`;
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      `data:application/typescript,${encodeURIComponent(program)}`,
    ],
  }).output();
  assert.equal(code, 7);
});
