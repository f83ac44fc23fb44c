import assert from "node:assert/strict";
import fc from "fast-check";
import { createJobIds, readJobId } from "../../../src/jobs/id.ts";

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const nowMs = 1_654_527_845_999;

function timeOf(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

Deno.test("createJobIds makes UUIDs of version 7 that hold the time", () => {
  const id = createJobIds()(nowMs);
  assert.match(id, version7);
  assert.equal(timeOf(id), nowMs);
});

Deno.test("createJobIds makes ids that sort by creation, whatever the clock does", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { minLength: 2, maxLength: 50 }),
    (times) => {
      const createId = createJobIds();
      const ids = times.map(createId);
      assert.ok(ids.every((id) => version7.test(id)));
      assert.deepEqual(ids, [...new Set(ids)].sort());
    },
  ));
});

Deno.test("createJobIds makes different ids for the same millisecond", () => {
  const first = createJobIds();
  const second = createJobIds();
  const ids = Array.from({ length: 50_000 }, () => [first(nowMs), second(nowMs)]).flat();
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.slice(0, 2 * 4096).every((id) => timeOf(id) === nowMs));
  assert.equal(timeOf(ids.at(-1)!), nowMs + Math.floor(49_999 / 4096));
});

Deno.test("readJobId takes a UUID in either case and nothing else", () => {
  const id = "0189dcd5-5311-7d40-8db0-9496a2eef37b";
  assert.equal(readJobId(id), id);
  assert.equal(readJobId(id.toUpperCase()), id);
  for (
    const text of ["", "abc", id.slice(1), `${id}0`, ` ${id}`, `${id}\n`, id.replace("0", "g")]
  ) {
    assert.equal(readJobId(text), null, JSON.stringify(text));
  }
});
