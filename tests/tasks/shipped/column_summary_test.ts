import assert from "node:assert/strict";
import { type ColumnReport, ColumnSummary } from "../../../tasks/shipped/column_summary.ts";

function reportOf(values: Iterable<string>): ColumnReport {
  const column = new ColumnSummary("x");
  for (const value of values) column.add(value);
  return column.report();
}

Deno.test("ColumnSummary finds the narrowest type that holds all values", () => {
  const cases: [values: string[], type: string][] = [
    [[], "empty"],
    [["", " "], "empty"],
    [["0", "-1", "+12", " 3 "], "integer"],
    [["1", "2.5", ".5", "1e3", "-0.1E-2"], "number"],
    [["true", "FALSE"], "boolean"],
    [["2026-01-02", "2024-02-29T10:00:00Z", "2026-01-02 03:04:05.678+02:00"], "date"],
    [["1", "x"], "text"],
    [["true", "1"], "text"],
    [["2026-01-02", "5"], "text"],
    [["00123"], "text"],
    [["1e999", "-", ".", "+"], "text"],
    [["2026-02-30"], "text"],
    [["2026-13-01"], "text"],
    [["2026-01-02T25:00:00Z"], "text"],
  ];
  for (const [values, type] of cases) {
    assert.equal(reportOf(values).type, type, JSON.stringify(values));
  }
});

Deno.test("ColumnSummary.report gives range and mean of numbers", () => {
  const report = reportOf(["10", "-2.5", "", "9"]);
  assert.deepEqual(report, {
    name: "x",
    type: "number",
    empty: 1,
    distinct: 3,
    min: -2.5,
    max: 10,
    mean: 5.5,
  });
});

Deno.test("ColumnSummary.report gives the range of texts and dates as written", () => {
  const { max, min } = reportOf(["b", "a".repeat(1000)]);
  assert.deepEqual([min, max], ["a".repeat(100) + "...", "b"]);
  const dates = reportOf(["2026-01-02", "2025-12-31"]);
  assert.deepEqual([dates.min, dates.max], ["2025-12-31", "2026-01-02"]);
});

Deno.test("ColumnSummary.report gives no range of booleans", () => {
  assert.deepEqual(reportOf(["true", "false", "true"]), {
    name: "x",
    type: "boolean",
    empty: 0,
    distinct: 2,
  });
});

Deno.test("ColumnSummary counts different values exactly up to 10,000 and says so beyond", () => {
  const values = Array.from({ length: 10_001 }, (_, index) => `v${index}`);
  const exact = reportOf(values.slice(0, 10_000));
  assert.equal(exact.distinct, 10_000);
  const bounded = reportOf(values);
  assert.deepEqual([bounded.distinct, bounded.distinct_is_at_least], [undefined, 10_000]);
});

Deno.test("ColumnSummary stops counting different values that would take too much memory", () => {
  const values = Array.from({ length: 20 }, (_, index) => `${index}`.padEnd(100_000, "x"));
  assert.equal(reportOf(values).distinct_is_at_least, 10);
});
