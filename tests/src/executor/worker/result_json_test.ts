import assert from "node:assert/strict";
import { resultJson } from "../../../../src/executor/worker/result_json.ts";

const maxBytes = 100;

const cycle: { self?: unknown } = {};
cycle.self = cycle;

const good: readonly [name: string, result: unknown, text: string][] = [
  ["nothing", undefined, ""],
  ["null", null, "null"],
  ["a text", 'say "hi"', '"say \\"hi\\""'],
  ["an empty text", "", '""'],
  ["a number", 1.5, "1.5"],
  ["false", false, "false"],
  ["a number that JSON does not have", NaN, "null"],
  ["an object", { a: [1, { b: null }] }, '{"a":[1,{"b":null}]}'],
  ["a field without a value", { a: undefined, b: 1 }, '{"b":1}'],
  ["a Date", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ["an object with toJSON", { toJSON: () => "mine" }, '"mine"'],
  ["a lone surrogate", "\ud800", '"\\ud800"'],
  ["an object whose toJSON returns nothing", { toJSON: () => undefined }, ""],
];
for (const [name, result, text] of good) {
  Deno.test(`resultJson takes ${name}`, () => assert.equal(resultJson(result, maxBytes), text));
}

const bad: readonly [name: string, result: unknown, reason: RegExp][] = [
  ["a cycle", cycle, /^the result cannot be JSON: Converting circular structure to JSON$/],
  ["a BigInt", 1n, /^the result cannot be JSON: .*BigInt/],
  ["a BigInt inside", { a: [1n] }, /^the result cannot be JSON: .*BigInt/],
  ["a function", () => {}, /^the result cannot be JSON: it is a function$/],
  ["a symbol", Symbol("x"), /^the result cannot be JSON: it is a symbol$/],
  ["a function inside", { a: { cb() {} } }, /cannot be JSON: its field "cb" is a function$/],
  ["a symbol in a list", [1, Symbol("x")], /cannot be JSON: its field "1" is a symbol$/],
  ["a toJSON that throws", {
    toJSON() {
      throw new Error("not today\nnor tomorrow");
    },
  }, /^the result cannot be JSON: not today$/],
  ["a toJSON that throws no Error", {
    toJSON() {
      // deno-lint-ignore no-throw-literal -- that is what this task does
      throw "no";
    },
  }, /^the result cannot be JSON: no$/],
];
for (const [name, result, reason] of bad) {
  Deno.test(`resultJson refuses ${name} and says why`, () => {
    assert.throws(() => resultJson(result, maxBytes), (thrown: Error) => {
      assert.match(thrown.message, reason);
      return true;
    });
  });
}

Deno.test("resultJson counts bytes of UTF-8: exactly the limit is allowed, one more is not", () => {
  const cases: readonly [character: string, bytes: number][] = [
    ["x", 1],
    ["\u00fc", 2],
    ["\u20ac", 3],
    ["\u{1f600}", 4],
  ];
  for (const [character, bytes] of cases) {
    const text = character.repeat(12);
    const size = bytes * 12 + 2;
    assert.equal(resultJson(text, size), JSON.stringify(text));
    assert.throws(
      () => resultJson(text, size - 1),
      /^Error: the result is too large: .* worker_pool.max_result_bytes allows \d+$/,
      character,
    );
  }
});

Deno.test("resultJson tells the size, where it had to count it, and the limit", () => {
  const limit = { message: /: 26 bytes of JSON; worker_pool.max_result_bytes allows 20$/ };
  assert.throws(() => resultJson("\u00fc".repeat(12), 20), limit);
  assert.throws(() => resultJson("x".repeat(500), 20), { message: /: more than 20 bytes of JSON/ });
});
