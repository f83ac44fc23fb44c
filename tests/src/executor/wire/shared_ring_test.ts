import assert from "node:assert/strict";
import fc from "fast-check";
import {
  encodeText,
  type Frame,
  FrameKind,
  readFrames,
} from "../../../../src/executor/wire/frames.ts";
import {
  claimNotification,
  closeGate,
  createSharedRing,
  drainRing,
  endNotification,
  enterGate,
  followingNumber,
  openGate,
  type SharedRing,
  writeToRing,
} from "../../../../src/executor/wire/shared_ring.ts";
import { within } from "../../../testing/within.ts";

function write(ring: SharedRing, number: number, textBytes = 0): boolean {
  const text = encodeText("x".repeat(textBytes));
  return writeToRing(ring, FrameKind.Completed, number, 1, 2, text);
}

function drain(ring: SharedRing): Frame[] {
  const frames: Frame[] = [];
  for (const bytes of drainRing(ring)) {
    const used = readFrames(bytes, 1024 * 1024, (frame) => frames.push(frame));
    assert.equal(used, bytes.length, "a piece ends within a frame");
  }
  return frames;
}

Deno.test("drainRing gives the frames of writeToRing in order, and each once", () => {
  const host = createSharedRing();
  const worker = createSharedRing(host.memory);
  assert.deepEqual(drain(host), []);
  for (const number of [1, 2, 3]) assert.ok(write(worker, number, number));
  assert.deepEqual(drain(host).map(({ number, text }) => [number, text]), [
    [1, "x"],
    [2, "xx"],
    [3, "xxx"],
  ]);
  assert.deepEqual(drain(host), []);
});

Deno.test("writeToRing refuses what does not fit and takes it once the ring is drained", () => {
  const ring = createSharedRing();
  assert.equal(write(ring, 1, 100_000), false, "larger than the ring");
  let count = 0;
  while (write(ring, count + 1, 1000)) count += 1;
  assert.ok(count > 50, `only ${count} frames of 1 kB fit`);
  assert.deepEqual(drain(ring).map(({ number }) => number), range(1, count));
  assert.ok(write(ring, count + 1, 1000));
  assert.deepEqual(drain(ring).map(({ number }) => number), [count + 1]);
});

Deno.test("writeToRing and drainRing lose, repeat and mix nothing, wherever the ring wraps", () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.nat(9_000) },
      { weight: 1, arbitrary: fc.integer({ min: 20_000, max: 70_000 }) },
      { weight: 2, arbitrary: fc.constant("drain" as const) },
    ),
    { maxLength: 120 },
  );
  fc.assert(fc.property(steps, (commands) => {
    const ring = createSharedRing();
    const written: [number: number, length: number][] = [];
    const read: [number: number, length: number][] = [];
    const take = () =>
      read.push(...drain(ring).map((f): [number, number] => [f.number, f.text.length]));
    for (const [index, command] of commands.entries()) {
      if (command === "drain") take();
      else if (write(ring, index + 1, command)) written.push([index + 1, command]);
    }
    take();
    assert.deepEqual(read, written);
  }));
});

Deno.test("claimNotification is true once until the host has answered", () => {
  const ring = createSharedRing();
  assert.deepEqual([claimNotification(ring), claimNotification(ring)], [true, false]);
  endNotification(ring);
  assert.deepEqual([claimNotification(ring), claimNotification(ring)], [true, false]);
});

Deno.test("followingNumber counts up and begins again at 1, never at 0", () => {
  assert.equal(followingNumber(1), 2);
  assert.equal(followingNumber(0x3fff_ffff), 1);
});

Deno.test("enterGate lets runs through in their order, each once", () => {
  const ring = createSharedRing();
  assert.equal(enterGate(ring, 2), false);
  assert.equal(enterGate(ring, 1), true);
  assert.equal(enterGate(ring, 1), false);
  assert.equal(enterGate(ring, 2), true);
});

Deno.test("closeGate tells the first run that has not started, as often as it is asked", () => {
  const ring = createSharedRing();
  assert.equal(closeGate(ring), 1);
  openGate(ring, 1);
  enterGate(ring, 1);
  assert.equal(closeGate(ring), 2);
  assert.equal(closeGate(ring), 2);
  assert.equal(enterGate(ring, 2), false);
});

Deno.test("openGate leaves an open gate as it is", () => {
  const ring = createSharedRing();
  openGate(ring, 5);
  assert.equal(enterGate(ring, 5), false);
  assert.equal(enterGate(ring, 1), true);
});

Deno.test("the gate goes on over the end of the run numbers", () => {
  const ring = createSharedRing();
  closeGate(ring);
  openGate(ring, 0x3fff_ffff);
  assert.ok(enterGate(ring, 0x3fff_ffff));
  assert.ok(enterGate(ring, 1));
  assert.equal(closeGate(ring), 2);
});

Deno.test("the gate starts or returns each run exactly once, whatever the order of the calls", () => {
  // A number sends as many runs; the worker reads one message at a time, as its event loop does.
  const steps = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom("enter" as const, "close" as const)),
    { maxLength: 200 },
  );
  fc.assert(fc.property(steps, (commands) => {
    const ring = createSharedRing();
    const inbox: number[] = [];
    const started: number[] = [];
    const returned: number[] = [];
    let held: number[] = [];
    let next = 1;
    const enter = () => {
      const number = inbox.shift();
      if (number !== undefined && enterGate(ring, number)) started.push(number);
    };
    const close = () => {
      const first = closeGate(ring);
      returned.push(...held.filter((number) => number >= first && !started.includes(number)));
      assert.ok(held.every((number) => number < first === started.includes(number)));
      held = [];
    };
    for (const command of commands) {
      if (command === "enter") enter();
      else if (command === "close") close();
      else {
        openGate(ring, next);
        const sent = range(next, command);
        next += command;
        inbox.push(...sent);
        held.push(...sent);
      }
    }
    while (inbox.length > 0) enter();
    assert.deepEqual([...started, ...returned].sort((a, b) => a - b), range(1, next - 1));
    assert.deepEqual(started, started.toSorted((a, b) => a - b), "runs start in their order");
  }));
});

Deno.test("the ring and the gate hold when two threads use them at once", async () => {
  const runCount = 60_000;
  const host = createSharedRing();
  const sent = new Int32Array(new SharedArrayBuffer(4));
  const module = new URL("../../../fixtures/ring_hammer.ts", import.meta.url);
  const worker = new Worker(module, { type: "module" });
  try {
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    worker.onmessage = () => resolve();
    worker.postMessage({ memory: host.memory, sent, runCount });
    await within(ready, "the worker");

    const started: number[] = [];
    const returned: number[] = [];
    const endAtMs = Date.now() + 20_000;
    let last = 0;
    for (let turn = 1; started.length + returned.length < runCount; turn++) {
      if (Date.now() > endAtMs) break;
      if (last < runCount && last - started.length - returned.length < 500) {
        openGate(host, last + 1);
        last = Math.min(runCount, last + 1 + turn % 7);
        Atomics.store(sent, 0, last);
      }
      if (turn % 3 === 0) {
        for (const { number } of drain(host)) started.push(number);
      }
      // Only as often as the worker is there: on a busy machine it would never have its turn.
      if (turn % 5 === 0 && started.length > returned.length) {
        const first = closeGate(host);
        const before = returned.at(-1) ?? 0;
        for (let number = Math.max(first, before + 1); number <= last; number++) {
          returned.push(number);
        }
      }
    }
    assert.ok(started.every((number, index) => index === 0 || number > started[index - 1]!));
    assert.deepEqual(
      [...started, ...returned].sort((a, b) => a - b),
      range(1, runCount),
      "a run was lost, or both started and returned",
    );
    assert.ok(started.length > 0 && returned.length > 0, "one thread never had its turn");
  } finally {
    worker.terminate();
  }
});

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
