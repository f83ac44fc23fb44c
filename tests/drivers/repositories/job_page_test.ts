import assert from "node:assert/strict";
import { likePattern } from "../../../drivers/repositories/job_page.ts";

const patterns: readonly [part: string, pattern: string | undefined][] = [
  ["Report", "%report%"],
  ["100%_\\", "%100\\%\\_\\\\%"],
  ["kafka topic", "%af_a top_c%"],
  ["m\u00FCnchen", "%nchen%"],
  ["\u{1F600}\u4E2D", "%\u{1F600}\u4E2D%"],
  ["i\u0307x", "%x%"],
  ["kiki", undefined],
  ["\u00C4\u00D6", undefined],
  ["", undefined],
  ["x".repeat(60_000), `%${"x".repeat(100)}%`],
];
for (const [part, pattern] of patterns) {
  Deno.test(`likePattern of ${JSON.stringify(part.slice(0, 20))} is ${pattern?.slice(0, 20)}`, () => {
    assert.equal(likePattern(part), pattern);
  });
}

Deno.test("likePattern: no other character becomes one of a pattern when it is made lower case", () => {
  for (let code = 0x80; code <= 0x10FFFF; code++) {
    const character = String.fromCodePoint(code);
    const lower = character.toLowerCase();
    if (lower !== character) assert.equal(likePattern(lower), undefined, code.toString(16));
  }
});
