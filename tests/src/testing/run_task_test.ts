import assert from "node:assert/strict";
import * as v from "valibot";
import { type LogLine, runTask } from "../../../src/testing/run_task.ts";
import { defineTask, type LazyTask, type Task } from "../../../src/tasks/task.ts";

const doubled = defineTask({
  params: v.object({ count: v.pipe(v.number(), v.integer()), unit: v.optional(v.string(), "m") }),
  run: ({ count, unit }) => ({ length: `${2 * count} ${unit}`, none: undefined }),
});

Deno.test("runTask gives the params to the task as its schema makes them, and the result as JSON has it", async () => {
  assert.deepEqual(await runTask(doubled, { count: 2 }), { length: "4 m" });
  assert.equal(await runTask((params: object) => Object.keys(params).join(), { a: 1 }), "a");
  assert.equal(await runTask(() => {}), undefined);
});

Deno.test("runTask refuses params that do not fit, and a result that JSON cannot hold, as a worker does", async () => {
  await assert.rejects(
    runTask(doubled, { count: 1.5 }),
    /^Error: the params do not fit the task: task_params\.count /,
  );
  await assert.rejects(runTask(() => new Map()), /the result cannot be JSON: metadata is a Map/);
  await assert.rejects(
    runTask(() => "long", {}, { maxResultBytes: 4 }),
    /the result is too large/,
  );
});

Deno.test("runTask throws what the task throws, and keeps its log lines", async () => {
  const log: LogLine[] = [];
  const thrown = new Error("no such thing");
  const task: Task = (_params, context) => {
    context.log.warn("looking", { for: "it" });
    context.log.info("looked");
    throw thrown;
  };
  await assert.rejects(runTask(task, {}, { log }), (error) => error === thrown);
  assert.deepEqual(log, [
    { level: "warn", message: "looking", fields: { for: "it" } },
    { level: "info", message: "looked" },
  ]);
});

Deno.test("runTask gives the task a context as a worker does, with what the test sets", async () => {
  const task: Task = (_params, { job, maxResultBytes, settings, signal }) => ({
    ...{ job, maxResultBytes, settings },
    isAborted: signal.aborted,
  });
  assert.deepEqual(await runTask(task), {
    job: {
      id: "00000000-0000-7000-8000-000000000000",
      name: "test",
      task_name: "test",
      attempt: 1,
    },
    maxResultBytes: 1_048_576,
    settings: {},
    isAborted: false,
  });
  const options = {
    job: { name: "mine", task_name: "look", attempt: 3 },
    settings: { allow_private: true },
    signal: AbortSignal.abort(),
  };
  const { job, settings, isAborted } = await runTask(task, {}, options);
  assert.deepEqual([job.name, job.task_name, job.attempt], ["mine", "look", 3]);
  assert.deepEqual([settings, isAborted], [{ allow_private: true }, true]);
});

Deno.test("runTask loads the module of an entry: its default export, else the one with the task's name", async () => {
  assert.equal(await runTask({ load: () => Promise.resolve({ default: () => 1 }) }), 1);
  const named: LazyTask = { load: () => Promise.resolve({ look: () => 2 }), permissions: {} };
  assert.equal(await runTask(named, {}, { job: { task_name: "look" } }), 2);
  await assert.rejects(runTask(named), {
    message: 'Cannot load the task "test": it exports only look: ' +
      "the task as default or under the name test is allowed",
  });
});

Deno.test("runTask says what is wrong with a task", async () => {
  await assert.rejects(runTask({ runs: () => 1 } as unknown as Task), {
    message: 'Cannot load the task "test": it has the unknown key runs; did you mean run?; ' +
      "it has no function run",
  });
});
