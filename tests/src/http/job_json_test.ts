import assert from "node:assert/strict";
import fc from "fast-check";
import { jobJson, resultJson } from "../../../src/http/job_json.ts";
import { makeJob } from "../../testing/make_job.ts";

const time = fc.integer({ min: 0, max: 253_402_300_799_999 });
const json = fc.json();
const text = fc.string({ unit: "binary" });

Deno.test("jobJson shows every field under its name, whatever its text", () => {
  fc.assert(
    fc.property(
      text,
      text,
      text,
      text,
      json,
      time,
      (name, description, taskName, failureReason, paramsJson, timeMs) => {
        const job = makeJob({
          name,
          description,
          taskName,
          failureReason,
          paramsJson,
          timeoutMs: 1500,
          runAtMs: timeMs,
          status: "FAILED",
          createdAtMs: timeMs,
          scheduledAtMs: timeMs,
          startedAtMs: timeMs,
          completedAtMs: timeMs,
          durationMs: 7.6,
        });
        const at = new Date(timeMs).toISOString();
        assert.deepEqual(JSON.parse(jobJson(job, 1000)), {
          id: job.id,
          name,
          description,
          task_name: taskName,
          task_params: JSON.parse(paramsJson),
          timeout: "1500ms",
          status: "FAILED",
          failure_reason: failureReason,
          run_at: at,
          scheduled_at: at,
          created_at: at,
          started_at: at,
          completed_at: at,
          duration: 8,
        });
      },
    ),
  );
});

Deno.test("jobJson shows a timeout in the unit, or with its own where it has a part of one", () => {
  for (const [timeoutMs, unitMs, shown] of [[3000, 1000, 3], [150, 1000, "150ms"], [150, 1, 150]]) {
    const job = makeJob({ timeoutMs: timeoutMs as number });
    assert.equal(JSON.parse(jobJson(job, unitMs as number)).timeout, shown);
  }
});

Deno.test("jobJson leaves out what is not set", () => {
  const shown = JSON.parse(jobJson(makeJob(), 1000));
  assert.deepEqual(Object.keys(shown), ["id", "name", "task_name", "status", "created_at"]);
});

Deno.test("jobJson hands params on as they are: not a digit or a key is lost", () => {
  const paramsJson = '{"n":12345678901234567890,"__proto__":1,"a":1.0}';
  assert.ok(jobJson(makeJob({ paramsJson }), 1000).includes(`"task_params":${paramsJson},`));
});

Deno.test("resultJson shows metadata or the error", () => {
  const jobId = makeJob().id;
  assert.equal(
    resultJson({ jobId, metadataJson: "null", error: undefined }),
    `{"job_id":"${jobId}","metadata":null}`,
  );
  assert.equal(
    resultJson({ jobId, metadataJson: undefined, error: 'a "b"' }),
    `{"job_id":"${jobId}","error":"a \\"b\\""}`,
  );
  assert.equal(
    resultJson({ jobId, metadataJson: undefined, error: undefined }),
    `{"job_id":"${jobId}"}`,
  );
});
