import assert from "node:assert/strict";
import { createOutputSink, createRingSink } from "../../../../src/executor/worker/frame_sink.ts";
import { type Frame, FrameKind, readFrames } from "../../../../src/executor/wire/frames.ts";
import {
  createSharedRing,
  drainRing,
  endNotification,
} from "../../../../src/executor/wire/shared_ring.ts";

function read(pieces: readonly Uint8Array[]): Frame[] {
  const frames: Frame[] = [];
  for (const bytes of pieces) readFrames(bytes, 1024 * 1024, (frame) => frames.push(frame));
  return frames;
}

Deno.test("createRingSink writes into the ring and notifies once until the host answers", () => {
  const ring = createSharedRing();
  const posted: (Uint8Array | null)[] = [];
  const sink = createRingSink(ring, (message) => posted.push(message));
  assert.ok(sink.write(FrameKind.Completed, 1, 2, 3, '"gr\u00fcn"'));
  assert.deepEqual(posted, []);
  sink.notify();
  sink.notify();
  assert.deepEqual(posted, [null]);
  assert.deepEqual(read(drainRing(ring)), [
    { kind: FrameKind.Completed, number: 1, startedAtMs: 2, durationMs: 3, text: '"gr\u00fcn"' },
  ]);
  endNotification(ring);
  sink.notify();
  assert.deepEqual(posted, [null, null]);
});

Deno.test("createRingSink posts a frame that does not fit, and drops it where it may", () => {
  const ring = createSharedRing();
  const posted: (Uint8Array | null)[] = [];
  const sink = createRingSink(ring, (message) => posted.push(message));
  const text = "x".repeat(100_000);
  assert.equal(sink.write(FrameKind.Log, 1, 0, 0, text, true), false);
  assert.deepEqual(posted, []);
  assert.equal(sink.write(FrameKind.Completed, 1, 0, 0, text), true);
  assert.deepEqual(read(posted as Uint8Array[]).map((frame) => frame.text), [text]);
  assert.deepEqual(drainRing(ring), []);
});

Deno.test("createOutputSink writes each frame whole, however little the output takes at once", () => {
  const written: number[] = [];
  const sink = createOutputSink({
    writeSync(bytes) {
      const count = Math.min(3, bytes.length);
      written.push(...bytes.subarray(0, count));
      return count;
    },
  });
  assert.ok(sink.write(FrameKind.Completed, 1, 0, 0, '"one"'));
  assert.ok(sink.write(FrameKind.Log, 2, 0, 0, "two", true));
  sink.notify();
  assert.deepEqual(read([Uint8Array.from(written)]).map(({ text }) => text), ['"one"', "two"]);
});
