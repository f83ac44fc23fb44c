import assert from "node:assert/strict";
import * as v from "valibot";
import { didYouMean } from "../../../src/did_you_mean.ts";
import { loadedTask, problemsOfTask, validParams } from "../../../src/tasks/loaded_task.ts";
import { defineTask, maxTimeoutMs, type Task, type TaskContext } from "../../../src/tasks/task.ts";
import { tasks as fixtureTasks } from "../../fixtures/tasks/mod.ts";

const run = () => "done";
const context = {} as TaskContext;

Deno.test("defineTask returns the task unchanged and types its params", () => {
  const task = { params: v.object({ count: v.number() }), run };
  assert.equal(defineTask(task), task);
  const typed = defineTask({ params: task.params, run: ({ count }) => count.toFixed(1) });
  assert.equal(typed.run({ count: 1 }, context), "1.0");
});

Deno.test("loadedTask gives a plain function no schema and no timeout", () => {
  assert.deepEqual(loadedTask("plain", run), {
    name: "plain",
    params: undefined,
    timeoutMs: 0,
    run,
  });
});

Deno.test("loadedTask keeps what a task declares and calls run on the task", () => {
  const params = v.object({});
  const task = {
    params,
    timeout: { hours: 1, minutes: 2, seconds: 3, milliseconds: 4 },
    answer: 42,
    run(): number {
      return this.answer;
    },
  };
  const loaded = loadedTask("task", task as unknown as Task);
  assert.equal(loaded.params, params);
  assert.equal(loaded.timeoutMs, 3_723_004);
  assert.equal(loaded.run({}, context), 42);
});

Deno.test("validParams tells what the schema threw from what the task throws", async () => {
  const schema = v.pipe(
    v.unknown(),
    v.check(() => {
      throw new RangeError("no luck");
    }),
  );
  await assert.rejects(validParams(schema, {}), (error: Error) => {
    assert.equal(error.message, "the schema of the params failed");
    assert.equal((error.cause as Error).message, "no luck");
    return true;
  });
});

Deno.test("problemsOfTask finds nothing wrong with the fixture tasks", () => {
  for (const [name, task] of Object.entries(fixtureTasks)) {
    assert.deepEqual(problemsOfTask(task, didYouMean), [], name);
  }
});

Deno.test("problemsOfTask says what is wrong with a task and what is allowed", () => {
  const cases: [task: unknown, message: RegExp][] = [
    [undefined, /is undefined: a function or an object with run is allowed/],
    [null, /is null: /],
    ["text", /is string: /],
    [
      class Runner {},
      /is a class: a function or an object with run is allowed, such as an instance of it/,
    ],
    [{}, /has no function run/],
    [{ run, param: {} }, /has the unknown key param; did you mean params\?/],
    [{ run, timout: {} }, /has the unknown key timout; did you mean timeout\?/],
    [{ run, params: {} }, /has params that are no Standard Schema/],
    [{ run, params: null }, /has params that are no Standard Schema/],
    [{ run, timeout: {} }, /has a timeout of 0 ms: more than 0 and at most a year is allowed/],
    [{ run, timeout: { seconds: -1 } }, /has a timeout of -1000 ms/],
    [{ run, timeout: { milliseconds: maxTimeoutMs + 1 } }, /at most a year is allowed/],
    [{ run, timeout: { seconds: NaN } }, /with seconds: NaN; numbers of hours, minutes, sec/],
    [{ run, timeout: { seconds: "5" } }, /has a timeout with seconds: 5; numbers of hours/],
    [{ run, timeout: { second: 5 } }, /has a timeout with second: 5; numbers of hours, minutes/],
    [{ run, timeout: 1 }, /has the timeout 1: an object such as { minutes: 1, seconds: 30 }/],
    [{ run, timeout: null }, /has the timeout null: an object such as/],
    [{ run, timeout: [5] }, /has the timeout \[5\]: an object such as/],
  ];
  for (const [task, message] of cases) {
    const problems = problemsOfTask(task, didYouMean);
    assert.match(problems.join("; "), message);
  }
});

Deno.test("problemsOfTask tells everything that is wrong at once", () => {
  const task = { permissions: { run: true, nets: true }, timeout: 1 };
  assert.equal(problemsOfTask(task).length, 4);
});
