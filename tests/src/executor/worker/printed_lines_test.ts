import assert from "node:assert/strict";
import { PrintedLines } from "../../../../src/executor/worker/printed_lines.ts";

const encoder = new TextEncoder();

function openLines(): { lines: string[]; printed: PrintedLines } {
  const lines: string[] = [];
  return { lines, printed: new PrintedLines((level, line) => lines.push(`${level} ${line}`)) };
}

Deno.test("PrintedLines writes whole lines, the rest at the end, each stream for itself", () => {
  const { lines, printed } = openLines();
  printed.add("stdout", encoder.encode("one\ntw"));
  printed.add("stderr", encoder.encode("oops"));
  printed.add("stdout", encoder.encode("o\r\n\n  \nthree"));
  assert.deepEqual(lines, ["info one", "info two"]);
  printed.flush();
  printed.flush();
  assert.deepEqual(lines, ["info one", "info two", "info three", "warn oops"]);
});

Deno.test("PrintedLines puts together a character that comes in two pieces", () => {
  const { lines, printed } = openLines();
  const bytes = encoder.encode("\u20ac\n");
  printed.add("stdout", bytes.subarray(0, 1));
  printed.add("stdout", bytes.subarray(1));
  assert.deepEqual(lines, ["info \u20ac"]);
});

Deno.test("PrintedLines writes what a terminal would show, without colours", () => {
  const { lines, printed } = openLines();
  printed.add("stdout", encoder.encode("10 %\r50 %\r100 %\r\n\x1b[32mgreen\x1b[39m\n\x1b[2K\n"));
  assert.deepEqual(lines, ["info 100 %", "info green"]);
});

Deno.test("PrintedLines keeps of a line without an end no more than the log shows", () => {
  const { lines, printed } = openLines();
  for (let i = 0; i < 100; i++) printed.add("stdout", encoder.encode("x".repeat(1_000)));
  printed.flush();
  assert.equal(lines[0]?.length, "info ".length + 4_096);
});
