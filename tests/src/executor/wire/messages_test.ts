import assert from "node:assert/strict";
import { runMessage, timeoutReason } from "../../../../src/executor/wire/messages.ts";
import { makeJob } from "../../../testing/make_job.ts";

const reasons: readonly [timeoutMs: number, reason: string][] = [
  [1, "timed out after 1 millisecond"],
  [20, "timed out after 20 milliseconds"],
  [1_000, "timed out after 1 second"],
  [1_500, "timed out after 1500 milliseconds"],
  [2_000, "timed out after 2 seconds"],
  [84_600_000, "timed out after 84600 seconds"],
];
for (const [timeoutMs, reason] of reasons) {
  Deno.test(`timeoutReason names ${timeoutMs} ms`, () =>
    assert.equal(timeoutReason(timeoutMs), reason));
}

Deno.test("runMessage carries what a worker needs, and no field without a value, as JSON", () => {
  const job = makeJob({ attempt: 2 });
  // As it travels: what is undefined is left out.
  assert.deepEqual(JSON.parse(JSON.stringify(runMessage(7, job, 1_000))), {
    number: 7,
    jobId: job.id,
    jobName: "a job",
    taskName: "dummytask",
    attempt: 2,
    timeoutMs: 1_000,
  });
  const full = runMessage(8, { ...job, runAtMs: 5, paramsJson: "{}" }, 1);
  assert.deepEqual([full.runAtMs, full.paramsJson], [5, "{}"]);
});
