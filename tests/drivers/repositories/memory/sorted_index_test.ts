import assert from "node:assert/strict";
import fc from "fast-check";
import { SortedIndex } from "../../../../drivers/repositories/memory/sorted_index.ts";

interface Item {
  readonly key: number;
}

function createIndex(): SortedIndex<Item> {
  return new SortedIndex((a, b) => a.key < b.key);
}

function keysOf(items: Iterable<Item>): number[] {
  return [...items].map((item) => item.key);
}

Deno.test("SortedIndex: an empty one has no items", () => {
  const index = createIndex();
  assert.equal(index.size, 0);
  assert.equal(index.first(), undefined);
  assert.deepEqual(keysOf(index.ascending()), []);
  assert.deepEqual(keysOf(index.descending()), []);
  assert.deepEqual(keysOf(index.descending({ key: 1 })), []);
  assert.deepEqual(keysOf(index.ascending({ key: 1 })), []);
});

const orders: Record<string, (i: number, count: number) => number> = {
  "ascending": (i) => i,
  "descending": (i, count) => count - 1 - i,
  "nearly ascending": (i) => i ^ 3,
  "scattered": (i, count) => (i * 7919) % count,
};

for (const [name, keyAt] of Object.entries(orders)) {
  Deno.test(`SortedIndex: keeps thousands of ${name} items in order, from any key`, () => {
    const index = createIndex();
    const count = 4096;
    const items = Array.from({ length: count }, (_, i) => ({ key: keyAt(i, count) * 2 }));
    for (const item of items) index.add(item);
    const keys = Array.from({ length: count }, (_, i) => i * 2);
    assert.deepEqual(keysOf(index.ascending()), keys);
    assert.deepEqual(keysOf(index.descending()), keys.toReversed());
    for (const key of [-1, 0, 1, 1022, 1023, 1024, 1025, 4000, 2 * count, 2 * count + 9]) {
      const expected = keys.filter((other) => other < key).toReversed();
      assert.deepEqual(keysOf(index.descending({ key })), expected);
      assert.deepEqual(keysOf(index.ascending({ key })), keys.filter((other) => other > key));
    }
    for (const item of items.slice(1)) index.remove(item);
    assert.equal(index.size, 1);
    assert.equal(index.first(), items[0]);
    index.remove(items[0]!);
    assert.deepEqual(keysOf(index.ascending()), []);
  });
}

Deno.test("SortedIndex: any sequence of changes gives what a sorted array gives", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 999 }), { maxLength: 3000, size: "max" });
  fc.assert(
    fc.property(steps, (keys) => {
      const index = createIndex();
      const stored = new Map<number, Item>();
      for (const key of keys) {
        const item = stored.get(key);
        if (item === undefined) {
          const added = { key };
          stored.set(key, added);
          index.add(added);
        } else {
          stored.delete(key);
          index.remove(item);
        }
      }
      const expected = [...stored.keys()].sort((a, b) => a - b);
      assert.equal(index.size, expected.length);
      assert.equal(index.first()?.key, expected[0]);
      assert.deepEqual(keysOf(index.ascending()), expected);
      assert.deepEqual(keysOf(index.descending()), expected.toReversed());
      for (const from of [keys[0] ?? 0, keys.at(-1) ?? 0]) {
        const below = expected.filter((key) => key < from).toReversed();
        assert.deepEqual(keysOf(index.descending({ key: from })), below);
        const above = expected.filter((key) => key > from);
        assert.deepEqual(keysOf(index.ascending({ key: from })), above);
      }
    }),
    { numRuns: 50 },
  );
});
