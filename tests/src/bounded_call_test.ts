import assert from "node:assert/strict";
import { loadBoundedCall } from "../../src/bounded_call.ts";

const callBounded = await loadBoundedCall();

Deno.test("callBounded returns what the function returns, undefined too, and throws what it throws", () => {
  assert.deepEqual(callBounded(1000, () => 7), { value: 7 });
  assert.deepEqual(callBounded(1000, () => undefined), { value: undefined });
  assert.throws(
    () =>
      callBounded(1000, () => {
        throw new RangeError("too deep");
      }),
    { name: "RangeError", message: "too deep" },
  );
  const recurse = (): number => 1 + recurse();
  assert.throws(() => callBounded(1000, recurse), RangeError);
});

for (
  const [name, work] of Object.entries({
    "a pattern that backtracks": () => /^(a+)+$/.test(`${"a".repeat(40)}!`),
    "a pattern that is slow on a long text": () => /a*b/.test("a".repeat(1_000_000)),
    "a loop": () => {
      while (true);
    },
    "a loop that catches": () => {
      while (true) {
        try {
          while (true);
        } catch {
          // Nothing gets here.
        }
      }
    },
    "calls of built-in functions": () => {
      const many = Array.from({ length: 10_000 }, (_, index) => index);
      while (true) JSON.stringify(many.toSorted());
    },
  })
) {
  Deno.test(`callBounded stops ${name}`, async () => {
    const startedAtMs = performance.now();
    assert.equal(callBounded(50, work), undefined);
    const tookMs = performance.now() - startedAtMs;
    assert.ok(tookMs >= 49 && tookMs < 1000, `took ${tookMs} ms`);
    // What comes after it runs on.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(callBounded(1000, () => "on"), { value: "on" });
  });
}

Deno.test("callBounded stops nothing but the function where that ends when its time is up", async () => {
  for (let call = 0; call < 500; call++) {
    const untilMs = performance.now() + 0.9 + (call % 20) / 50;
    callBounded(1, () => {
      while (performance.now() < untilMs);
    });
    // With the timeout of node:vm this process would have ended by now.
    if (call % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.deepEqual(callBounded(1000, () => "on"), { value: "on" });
});
