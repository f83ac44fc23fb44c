import assert from "node:assert/strict";
import { parseDuration } from "../../src/duration.ts";

Deno.test("parseDuration reads a number with a unit", () => {
  const durations: Readonly<Record<string, number>> = {
    "0s": 0,
    "150ms": 150,
    "5s": 5000,
    "5 s": 5000,
    "1.005s": 1005,
    "0.1ms": 0.1,
    "1m": 60_000,
    "1.5h": 5_400_000,
    "7d": 604_800_000,
  };
  for (const [text, ms] of Object.entries(durations)) assert.equal(parseDuration(text), ms, text);
});

Deno.test("parseDuration gives NaN for everything else", () => {
  const wrong = [
    "",
    "5",
    "s",
    "5S",
    "-5s",
    "+5s",
    "5  s",
    " 5s",
    "5s ",
    "1.s",
    ".5s",
    "1e3s",
    "5w",
  ];
  for (const text of [...wrong, "1h30m", "five s", `${"9".repeat(400)}s`]) {
    assert.ok(Number.isNaN(parseDuration(text)), text);
  }
});
