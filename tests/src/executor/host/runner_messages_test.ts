import assert from "node:assert/strict";
import { readLines } from "../../../../src/executor/host/runner_messages.ts";

async function linesOf(...pieces: (string | Uint8Array)[]): Promise<string[]> {
  const encoder = new TextEncoder();
  const bytes = pieces.map((piece) => typeof piece === "string" ? encoder.encode(piece) : piece);
  return await Array.fromAsync(readLines(ReadableStream.from(bytes)));
}

Deno.test("readLines gives the lines of a stream, however it is cut", async () => {
  assert.deepEqual(await linesOf("one\ntw", "o", "\n\nfour\n"), ["one", "two", "", "four"]);
  assert.deepEqual(await linesOf(), []);
});

Deno.test("readLines gives also a last line without an end", async () => {
  assert.deepEqual(await linesOf("one\nlast"), ["one", "last"]);
});

Deno.test("readLines puts a character together that was cut in two", async () => {
  const bytes = new TextEncoder().encode("gr\u00fcn\n");
  assert.deepEqual(await linesOf(bytes.slice(0, 3), bytes.slice(3)), ["gr\u00fcn"]);
});

Deno.test("readLines leaves out a part of a line that is too long, and goes on with the next one", async () => {
  const bytes = ["abc", "def", "ghi\nnext\n"].map((text) => new TextEncoder().encode(text));
  const lines = await Array.fromAsync(readLines(ReadableStream.from(bytes), 4));
  assert.deepEqual(lines, ["abcdghi", "next"]);
});
