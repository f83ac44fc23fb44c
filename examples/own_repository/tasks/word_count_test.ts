import assert from "node:assert/strict";
import { type LogLine, runTask } from "@valet/valet/testing";
import wordCount from "./word_count.ts";

Deno.test("word_count counts words, however they are parted", async () => {
  const log: LogLine[] = [];
  assert.deepEqual(
    await runTask(wordCount, { text: " one  two\nthree " }, { log }),
    { words: 3 },
  );
  assert.deepEqual(log, [{
    level: "info",
    message: "counted",
    fields: { words: 3 },
  }]);
});

Deno.test("word_count refuses what is no text", async () => {
  await assert.rejects(
    runTask(wordCount, { text: 3 }),
    /the params do not fit the task/,
  );
});
