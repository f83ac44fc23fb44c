import assert from "node:assert/strict";
import { createLineWriter } from "../../../src/log/writer.ts";

const textOf = (lines: Uint8Array) => new TextDecoder().decode(lines);
const describeDropped = (count: number) => `dropped ${count}`;

Deno.test("createLineWriter writes the lines of a turn in one batch, in order", async () => {
  const batches: string[] = [];
  const { promise: isWritten, resolve } = Promise.withResolvers<void>();
  const writer = createLineWriter((lines) => {
    batches.push(textOf(lines));
    resolve();
  }, describeDropped);
  writer.push("one");
  writer.push("two");
  assert.deepEqual(batches, []);
  await isWritten;
  assert.deepEqual(batches, ["one\ntwo\n"]);
});

Deno.test("createLineWriter makes lines before they are written, however many there are", async () => {
  let text = "";
  const writer = createLineWriter((lines) => void (text += textOf(lines)), describeDropped);
  const lines = Array.from({ length: 150 }, (_, index) => `line ${index}`);
  for (const [index, line] of lines.entries()) writer.push(index % 3 === 0 ? line : () => line);
  await writer.flush();
  assert.deepEqual(text.split("\n"), [...lines, ""]);
});

Deno.test("createLineWriter gathers lines while a write is under way", async () => {
  const batches: string[] = [];
  const firstWrite = Promise.withResolvers<void>();
  const isWriting = Promise.withResolvers<void>();
  const writer = createLineWriter((lines) => {
    batches.push(textOf(lines));
    isWriting.resolve();
    return batches.length === 1 ? firstWrite.promise : undefined;
  }, describeDropped);
  writer.push("one");
  const isFlushed = writer.flush();
  await isWriting.promise;
  writer.push("two");
  writer.push("three");
  assert.deepEqual(batches, ["one\n"]);
  firstWrite.resolve();
  await isFlushed;
  assert.deepEqual(batches, ["one\n", "two\nthree\n"]);
});

Deno.test("LineWriter.flush has nothing to do when all is written", async () => {
  const batches: string[] = [];
  const writer = createLineWriter((lines) => void batches.push(textOf(lines)), describeDropped);
  await writer.flush();
  writer.push("one");
  await writer.flush();
  await writer.flush();
  assert.deepEqual(batches, ["one\n"]);
});

Deno.test("LineWriter.flush gives up on a reader that has stopped reading", async () => {
  const stuck = Promise.withResolvers<void>();
  const writer = createLineWriter(() => stuck.promise, describeDropped);
  writer.push("one");
  await writer.flush();
  stuck.resolve();
});

Deno.test("createLineWriter counts the lines of a failed write and reports them later", async () => {
  const batches: string[] = [];
  let isBroken = true;
  const writer = createLineWriter((lines) => {
    if (isBroken) throw new Deno.errors.BrokenPipe("closed");
    batches.push(textOf(lines));
  }, describeDropped);
  for (const line of ["one", "two", "three"]) {
    writer.push(line);
    await writer.flush();
  }
  isBroken = false;
  writer.push("four");
  await writer.flush();
  writer.push("five");
  await writer.flush();
  assert.deepEqual(batches, ["dropped 3\nfour\n", "five\n"]);
});

Deno.test("createLineWriter drops lines instead of growing without bound", async () => {
  const firstWrite = Promise.withResolvers<void>();
  let writtenBytes = 0;
  let lastBatch = "";
  const isWriting = Promise.withResolvers<void>();
  const writer = createLineWriter((lines) => {
    isWriting.resolve();
    writtenBytes += lines.length;
    lastBatch = textOf(lines);
    return firstWrite.promise;
  }, describeDropped);
  writer.push("first");
  const isFlushed = writer.flush();
  await isWriting.promise;
  const line = "x".repeat(1023);
  for (let count = 0; count < 5000; count++) writer.push(line);
  firstWrite.resolve();
  await isFlushed;
  assert.ok(writtenBytes <= 4 * 1024 * 1024 + 100, `${writtenBytes} bytes`);
  assert.match(lastBatch, /^dropped 904\n/);
});
