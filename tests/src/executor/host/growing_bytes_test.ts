import assert from "node:assert/strict";
import { GrowingBytes } from "../../../../src/executor/host/growing_bytes.ts";

Deno.test("GrowingBytes holds what was appended, whatever the sizes of the pieces", () => {
  const bytes = new GrowingBytes();
  const expected: number[] = [];
  for (const length of [0, 1, 3, 0, 200, 7, 1_000]) {
    const piece = Uint8Array.from({ length }, (_, place) => (expected.length + place) % 251);
    expected.push(...piece);
    assert.deepEqual([...bytes.append(piece)], expected);
  }
});

Deno.test("GrowingBytes.keepFrom forgets the first bytes", () => {
  const bytes = new GrowingBytes();
  bytes.append(Uint8Array.of(1, 2, 3, 4));
  bytes.keepFrom(3);
  assert.deepEqual([...bytes.append(Uint8Array.of(5))], [4, 5]);
  bytes.keepFrom(2);
  assert.deepEqual([...bytes.append(Uint8Array.of(6))], [6]);
});
