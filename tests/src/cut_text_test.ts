import assert from "node:assert/strict";
import { cutText } from "../../src/cut_text.ts";

Deno.test("cutText keeps a text of the allowed length and cuts a longer one", () => {
  assert.equal(cutText("abc", 3), "abc");
  assert.equal(cutText("abcd", 3), "abc...");
  assert.equal(cutText("", 3), "");
});
