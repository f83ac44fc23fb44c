import assert from "node:assert/strict";
import { NumberRange } from "../../../tasks/shipped/number_range.ts";

function reportOf(...texts: readonly string[]) {
  const range = new NumberRange();
  for (const text of texts) range.add(text);
  return range.report();
}

const cases: [texts: string[], min: number | string, max: number | string, mean?: number][] = [
  [["1", "+3", "-2"], -2, 3, 2 / 3],
  [["0.5", "1e3"], 0.5, 1000, 500.25],
  [["9007199254740991"], 9007199254740991, 9007199254740991, 9007199254740991],
  [["9007199254740993", "9007199254740992"], "9007199254740992", "9007199254740993", 2 ** 53],
  // The sum of these is exact: added as doubles it is 0.
  [["9007199254740993", "-9007199254740992", "2"], "-9007199254740992", "9007199254740993", 1],
  [["9007199254740991", "9007199254740991", "1"], 1, 9007199254740991, 6004799503160661],
  [["1" + "0".repeat(30), "5"], 5, "1" + "0".repeat(30), 5e29],
  [["0.1", "0.10", "123456789.123456"], 0.1, 123456789.123456],
  [["0.30000000000000004"], 0.30000000000000004, 0.30000000000000004],
  [["0.123456789012345678901"], "0.123456789012345678901", "0.123456789012345678901"],
  [["1.7e308", "1.7e308"], 1.7e308, 1.7e308],
];
for (const [texts, min, max, mean] of cases) {
  Deno.test(`NumberRange of ${texts.join(" and ")}`, () => {
    const report = reportOf(...texts);
    assert.deepEqual([report.min, report.max], [min, max]);
    if (mean !== undefined) assert.equal(report.mean, mean);
  });
}

Deno.test("NumberRange has no mean where the sum is beyond a double", () => {
  assert.equal("mean" in reportOf("1.7e308", "1.7e308"), false);
});
