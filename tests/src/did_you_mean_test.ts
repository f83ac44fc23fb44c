import assert from "node:assert/strict";
import { didYouMean } from "../../src/did_you_mean.ts";

const cases: readonly [word: string, candidates: string[], expected: string][] = [
  ["concurency", ["concurrency", "backlog"], "; did you mean concurrency?"],
  ["jsno", ["text", "json"], "; did you mean json?"],
  ["BACKLOG", ["concurrency", "backlog"], "; did you mean backlog?"],
  ["backlogs", ["backlog", "backlogs_"], "; did you mean backlog?"],
  ["qqqq", ["text", "json"], ""],
  ["", ["text", "json"], ""],
  ["x".repeat(65), ["x".repeat(64)], ""],
  ["word", [], ""],
];

for (const [word, candidates, expected] of cases) {
  Deno.test(
    `didYouMean answers "${expected}" to "${word.slice(0, 12)}" among [${
      candidates.map((candidate) => candidate.slice(0, 12))
    }]`,
    () => {
      assert.equal(didYouMean(word, candidates), expected);
    },
  );
}
