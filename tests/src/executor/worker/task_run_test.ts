import assert from "node:assert/strict";

import type { RunMessage } from "../../../../src/executor/wire/messages.ts";
import { type TaskLogLine, TaskRun } from "../../../../src/executor/worker/task_run.ts";

const task = {
  name: "ok",
  params: undefined,
  timeoutMs: 0,
  permissions: {},
  run: () => {},
};

function makeTaskRun(fields: Partial<RunMessage> = {}): TaskRun & { lines: TaskLogLine[] } {
  const lines: TaskLogLine[] = [];
  const message: RunMessage = {
    number: 1,
    jobId: "the-id",
    jobName: "a job",
    taskName: "ok",
    attempt: 2,
    timeoutMs: 1000,
    ...fields,
  };
  const setup = { settings: {}, maxResultBytes: 1000 };
  const run = new TaskRun(message, task, setup, (_run, line) => lines.push(line));
  return Object.assign(run, { lines });
}

Deno.test("TaskRun shows the task its job", () => {
  assert.deepEqual(makeTaskRun().context.job, {
    id: "the-id",
    name: "a job",
    task_name: "ok",
    attempt: 2,
  });
  assert.equal(makeTaskRun({ runAtMs: 0 }).context.job.run_at, "1970-01-01T00:00:00.000Z");
});

Deno.test("TaskRun.fail aborts the signal, and the first reason stays", () => {
  const run = makeTaskRun();
  const { signal } = run.context;
  assert.equal(signal.aborted, false);
  assert.equal(run.fail("timed out after 1 second", "TimeoutError"), true);
  assert.equal(run.fail("the job was deleted", "AbortError"), false);
  assert.equal(run.failureReason, "timed out after 1 second");
  assert.ok(signal.aborted);
  assert.equal(signal.reason.name, "TimeoutError");
  assert.equal(signal.reason.message, "timed out after 1 second");
});

Deno.test("TaskRun.context can be copied, and shows a task nothing else", () => {
  const { context } = makeTaskRun();
  const names = ["job", "log", "maxResultBytes", "settings", "signal"];
  assert.deepEqual(Object.keys(context).sort(), names);
  assert.deepEqual(Reflect.ownKeys(context).sort(), names);
  assert.deepEqual({ ...context }, context);
});

Deno.test("TaskRun.context.log writes lines at every level, and long messages shortened", () => {
  const { context: { log }, lines } = makeTaskRun();
  log.debug("one");
  log.info("two", { count: 1 });
  log.warn("x".repeat(10_000));
  log.error(undefined as unknown as string);
  assert.deepEqual(lines.map(({ level, fields }) => [level, fields]), [
    ["debug", undefined],
    ["info", { count: 1 }],
    ["warn", undefined],
    ["error", undefined],
  ]);
  assert.deepEqual(lines.map(({ message }) => message.length), [3, 3, 4096, 9]);
});
