import assert from "node:assert/strict";
import fc from "fast-check";
import {
  encodeFrame,
  encodeText,
  type Frame,
  FrameKind,
  frameSize,
  readFrames,
  writeFrame,
} from "../../../../src/executor/wire/frames.ts";

const frames: fc.Arbitrary<Frame> = fc.record({
  kind: fc.constantFrom(...Object.values(FrameKind)),
  number: fc.nat(0xffff_ffff),
  startedAtMs: fc.double({ min: 0, max: 1e16, noNaN: true }),
  durationMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
  text: fc.string({ unit: "binary", maxLength: 40 }),
}, { noNullPrototype: true });

function encode({ kind, number, startedAtMs, durationMs, text }: Frame): Uint8Array {
  return encodeFrame(kind, number, startedAtMs, durationMs, encodeText(text));
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

function readAll(bytes: Uint8Array, maxFrameBytes = 1024): { read: Frame[]; used: number } {
  const read: Frame[] = [];
  const used = readFrames(bytes, maxFrameBytes, (frame) => read.push(frame));
  return { read, used };
}

Deno.test("readFrames gives back what encodeFrame wrote, in order", () => {
  fc.assert(fc.property(fc.array(frames), (written) => {
    const bytes = join(written.map(encode));
    assert.deepEqual(readAll(bytes), { read: written, used: bytes.length });
  }));
});

Deno.test("readFrames reads the same frames however the stream is cut", () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 });
  fc.assert(fc.property(fc.array(frames, { maxLength: 8 }), cuts, (written, sizes) => {
    const bytes = join(written.map(encode));
    const read: Frame[] = [];
    let rest = new Uint8Array();
    for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
      const end = Math.min(bytes.length, offset + sizes[turn % sizes.length]!);
      rest = Uint8Array.from([...rest, ...bytes.subarray(offset, end)]);
      rest = rest.slice(readFrames(rest, 1024, (frame) => read.push(frame)));
      offset = end;
    }
    assert.equal(rest.length, 0);
    assert.deepEqual(read, written);
  }));
});

Deno.test("readFrames keeps a byte order mark at the start of a text", () => {
  const { read } = readAll(encodeFrame(FrameKind.Failed, 1, 0, 0, encodeText("\ufeffmarked")));
  assert.equal(read[0]?.text, "\ufeffmarked");
});

Deno.test("readFrames reads a piece that begins within a larger buffer", () => {
  const frame = encodeFrame(FrameKind.Completed, 7, 1, 2, encodeText('"x"'));
  const buffer = new Uint8Array(frame.length + 5);
  buffer.set(frame, 5);
  const { read } = readAll(buffer.subarray(5));
  assert.deepEqual(read, [
    { kind: FrameKind.Completed, number: 7, startedAtMs: 1, durationMs: 2, text: '"x"' },
  ]);
});

Deno.test("readFrames refuses bytes that are no frame, after the frames before them", () => {
  const good = encodeFrame(FrameKind.Ready);
  const tooLarge = encodeFrame(FrameKind.Completed, 1, 0, 0, new Uint8Array(2000));
  const badKind = encodeFrame(FrameKind.Flush);
  badKind[27] = FrameKind.LoadFailed + 1;
  const noKind = encodeFrame(FrameKind.Flush);
  noKind[27] = 0;
  const tooSmall = encodeFrame(FrameKind.Flush);
  tooSmall[3] = 27;
  const text = encodeText("a task that prints to the standard output");
  for (const bad of [tooLarge, badKind, noKind, tooSmall, text]) {
    const read: Frame[] = [];
    assert.throws(
      () => readFrames(join([good, bad]), 1024, (frame) => read.push(frame)),
      /no frame/,
    );
    assert.equal(read.length, 1);
  }
});

Deno.test("readFrames never loops or reads past the end, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      const { used } = readAll(bytes, 100);
      assert.ok(used >= 0 && used <= bytes.length);
    } catch (thrown) {
      assert.match((thrown as Error).message, /no frame/);
    }
  }));
});

Deno.test("writeFrame writes frameSize bytes at the offset and no other", () => {
  for (const reason of ["", "gr\u00fcn", "x".repeat(64), "x".repeat(65), "\u20ac".repeat(200)]) {
    const text = encodeText(reason);
    const bytes = new Uint8Array(1_000).fill(0xee);
    writeFrame(new DataView(bytes.buffer), 10, FrameKind.Failed, 3, 4, 5, text);
    const size = frameSize(text.length);
    assert.equal(size, encodeFrame(FrameKind.Failed, 3, 4, 5, text).length);
    assert.ok(bytes.subarray(0, 10).every((byte) => byte === 0xee));
    assert.ok(bytes.subarray(10 + size).every((byte) => byte === 0xee));
    assert.equal(readAll(bytes.subarray(10, 10 + size)).read[0]?.text, reason);
  }
});
