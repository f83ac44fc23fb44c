import assert from "node:assert/strict";
import { createLineWriter } from "../../src/line_writer.ts";

const describeDropped = (count: number) => `dropped ${count}`;

Deno.test("createLineWriter writes the lines of a turn in one batch, in order", async () => {
  const batches: string[] = [];
  const { promise: isWritten, resolve } = Promise.withResolvers<void>();
  const writer = createLineWriter((text) => {
    batches.push(text);
    resolve();
  }, describeDropped);
  writer.push("one");
  writer.push("two");
  assert.deepEqual(batches, []);
  await isWritten;
  assert.deepEqual(batches, ["one\ntwo\n"]);
});

Deno.test("createLineWriter gathers lines while a write is under way", async () => {
  const batches: string[] = [];
  const firstWrite = Promise.withResolvers<void>();
  const isWriting = Promise.withResolvers<void>();
  const writer = createLineWriter((text) => {
    batches.push(text);
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
  const writer = createLineWriter((text) => void batches.push(text), describeDropped);
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
  const writer = createLineWriter((text) => {
    if (isBroken) throw new Deno.errors.BrokenPipe("closed");
    batches.push(text);
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
  let writtenLength = 0;
  let lastBatch = "";
  const isWriting = Promise.withResolvers<void>();
  const writer = createLineWriter((text) => {
    isWriting.resolve();
    writtenLength += text.length;
    lastBatch = text;
    return firstWrite.promise;
  }, describeDropped);
  writer.push("first");
  const isFlushed = writer.flush();
  await isWriting.promise;
  const line = "x".repeat(1023);
  for (let count = 0; count < 5000; count++) writer.push(line);
  firstWrite.resolve();
  await isFlushed;
  assert.ok(writtenLength <= 4 * 1024 * 1024 + 100, `${writtenLength} characters`);
  assert.match(lastBatch, /^dropped 904\n/);
});
