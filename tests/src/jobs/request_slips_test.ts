// What a request must not have: fields and parameters that are slips.

import assert from "node:assert/strict";
import { type ErrorDetail, ValetError } from "../../../src/errors.ts";
import { jobJson } from "../../../src/http/job_json.ts";
import { createParamsCheck } from "../../../src/jobs/params_check.ts";
import { createNewJobParser, parseJobFields, parseListInput } from "../../../src/jobs/request.ts";
import { describeTable } from "../../testing/describe_table.ts";
import { makeJob } from "../../testing/make_job.ts";

const parse = createNewJobParser(
  describeTable({ dummytask: () => {} }),
  1000,
  createParamsCheck(),
);
const valid = { task_name: "dummytask" };

function detailsOf(call: () => unknown): readonly ErrorDetail[] {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof ValetError, String(error));
    return error.details;
  }
  throw new Error("nothing was thrown");
}

Deno.test("parseNewJob refuses what no job has, and says what was meant", () => {
  const all = "name, task_name, description, task_params, metadata, timeout, run_at, id are known";
  const hints: Readonly<Record<string, string>> = {
    runAt: "did you mean run_at?",
    RunAt: "did you mean run_at?",
    "run-at": "did you mean run_at?",
    delay: "did you mean run_at?",
    cron: "did you mean run_at?",
    params: "did you mean task_params?",
    payload: "did you mean task_params?",
    taskName: "did you mean task_name?",
    task: "did you mean task_name?",
    desciption: "did you mean description?",
    timeout_ms: "did you mean timeout?",
    max_retries: all,
    priority: all,
    constructor: all,
    ["__proto__"]: all,
    "": all,
  };
  for (const [name, hint] of Object.entries(hints)) {
    const input = JSON.parse(`{"task_name":"dummytask","${name}":1}`);
    assert.deepEqual(detailsOf(() => parse(input)).at(-1), {
      path: name,
      message: `is not a known field; ${hint}`,
    });
  }
  const wrong = detailsOf(() => parse({ ...valid, name: 7, runAt: 1, cron: "* * * * *" }));
  assert.deepEqual(wrong.map(({ path }) => path), ["name", "runAt", "cron"]);
});

Deno.test("parseNewJob takes an answer as a request, and its fields nowhere else", () => {
  const answer = jobJson(
    makeJob({
      ...{ name: "a job", description: "d", taskName: "dummytask", paramsJson: '{"a":1}' },
      ...{ timeoutMs: 1500, runAtMs: 1, status: "FAILED", failureReason: "it broke" },
      ...{ scheduledAtMs: 2, startedAtMs: 3, completedAtMs: 4, durationMs: 1 },
    }),
    1000,
  );
  const fields = JSON.parse(answer);
  assert.deepEqual(parse(fields), {
    name: "a job",
    description: "d",
    taskName: "dummytask",
    paramsJson: '{"a":1}',
    timeoutMs: 1500,
    runAtMs: 1,
  });
  const { id: _id, ...withoutId } = fields;
  const wrong = detailsOf(() => parse(withoutId));
  assert.deepEqual(wrong.map(({ path }) => path).sort(), [
    "completed_at",
    "created_at",
    "duration",
    "failure_reason",
    "scheduled_at",
    "started_at",
    "status",
  ]);
  for (const { message } of wrong) {
    assert.equal(message, "is a field of answers, which a request cannot set");
  }
  // With an id, too, a slip is one.
  assert.equal(detailsOf(() => parse({ ...fields, runAt: 1 }))[0]?.path, "runAt");
});

Deno.test("parseJobFields refuses every other field, those of answers too", () => {
  const hints: Readonly<Record<string, string>> = {
    descripton: "did you mean description?",
    title: "did you mean name?",
    status: "name, description are known",
    run_at: "name, description are known",
    id: "name, description are known",
  };
  for (const [name, hint] of Object.entries(hints)) {
    const details = detailsOf(() => parseJobFields({ name: "b", [name]: "x" }));
    assert.deepEqual(details, [{ path: name, message: `is not a known field; ${hint}` }]);
  }
});

Deno.test("parseListInput refuses unknown parameters, and says what was meant", () => {
  const hints: Readonly<Record<string, string>> = {
    state: "did you mean status?",
    taskname: "did you mean task_name?",
    task: "did you mean task_name?",
    search: "did you mean q?",
    page_size: "did you mean limit?",
    offset: "did you mean cursor?",
    created_after: "status, task_name, q, limit, cursor are known",
  };
  for (const [name, hint] of Object.entries(hints)) {
    const details = detailsOf(() => parseListInput({ [name]: "x" }));
    assert.deepEqual(details, [{ path: name, message: `is not a known parameter; ${hint}` }]);
  }
});
