// The journal of runs is read as it grows, whatever has become of those who wrote it.

import { strict as assert } from "node:assert";
import { RunJournal } from "./run_journal.ts";

Deno.test("RunJournal: pairs lines as they come, and keeps those that fit nothing", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const journal = new RunJournal(`${folder}/journal`);
    assert.deepEqual(journal.read().runs, [], "there is no file yet");
    const append = (text: string) => Deno.writeTextFile(journal.path, text, { append: true });

    await append("start a 1 10 9 1000\nstart b 1 10 9 1001\nend a 1 10 9 10");
    assert.deepEqual(journal.read().runs.map(({ end, jobId }) => [jobId, end]), [["a", "cut"], [
      "b",
      "cut",
    ]]);

    await append("20\nabort b 1 10 9 1030\nend a 1 10 9 1040\nstart a 2 11 9 1050\nwhat\n");
    const [first, second, third] = journal.read().runs;
    assert.deepEqual([first!.end, first!.endedAtMs], ["end", 1020]);
    assert.deepEqual([second!.end, second!.endedAtMs], ["abort", 1030]);
    assert.deepEqual([third!.jobId, third!.attempt, third!.pid, third!.parentPid], ["a", 2, 11, 9]);
    assert.equal(third!.end, "cut");
    assert.deepEqual([...journal.endedIds], ["a"]);
    assert.deepEqual(journal.strayLines, ["end a 1 10 9 1040", "what"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
