import assert from "node:assert/strict";
import fc from "fast-check";
import { findJsonError } from "../../../src/http/json_error.ts";

const errors: Readonly<Record<string, string>> = {
  "": "end at position 0",
  "  ": "end at position 2",
  "{": "end at position 1",
  '{"a"': "end at position 4",
  '{"a":': "end at position 5",
  '{"a":1': "end at position 6",
  '{"a":1,': "end at position 7",
  '{"a":1,}': '"}" at position 7',
  "{,}": '"," at position 1',
  "{a:1}": '"a" at position 1',
  '{"a" 1}': '"1" at position 5',
  '{"a":1 "b":2}': '"\\"" at position 7',
  '{"a":1}}': '"}" at position 7',
  '{"a":[1}': '"}" at position 7',
  "[1,]": '"]" at position 3',
  "[1 2]": '"2" at position 3',
  "[01]": '"0" at position 1',
  "[1.]": '"1" at position 1',
  "[+1]": '"+" at position 1',
  "[nul]": '"n" at position 1',
  "[truely]": '"t" at position 1',
  "undefined": '"u" at position 0',
  '["a]': '"\\"" at position 1',
  '["\\x"]': '"\\"" at position 1',
  '["a\nb"]': '"\\"" at position 1',
  "\u00a0{}": '"\u00a0" at position 0',
  "{} x": '"x" at position 3',
  "\u{1f600}": '"\u{1f600}" at position 0',
};

Deno.test("findJsonError says where a text stops being JSON", () => {
  for (const [text, error] of Object.entries(errors)) {
    assert.throws(() => JSON.parse(text));
    assert.equal(findJsonError(text), `unexpected ${error}`, text);
  }
});

Deno.test("findJsonError finds an error in every text that JSON.parse refuses", () => {
  const broken = fc.tuple(fc.json(), fc.nat(200), fc.string({ maxLength: 3 })).map(
    ([json, at, insertion]) => json.slice(0, at) + insertion + json.slice(at + 1),
  );
  const pieces = fc.array(fc.constantFrom("{", "}", "[", "]", ",", ":", '"a"', "1", " ", "t", "\\"))
    .map((parts) => parts.join(""));
  fc.assert(fc.property(fc.oneof(broken, pieces), (text) => {
    const position = Number(/\d+$/.exec(findJsonError(text))![0]);
    try {
      JSON.parse(text);
    } catch {
      assert.ok(position <= text.length);
      return;
    }
    // Of JSON it says that more was expected: it reads to the end.
    assert.equal(position, text.length);
  }));
});
