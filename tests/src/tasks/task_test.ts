import assert from "node:assert/strict";
import * as v from "valibot";
import { didYouMean } from "../../../src/did_you_mean.ts";
import { ValetError } from "../../../src/errors.ts";
import {
  defineTask,
  maxTimeoutMs,
  registerTasks,
  type TaskTable,
} from "../../../src/tasks/task.ts";
import { tasks as fixtureTasks } from "../../fixtures/tasks/mod.ts";
import { makeTaskContext } from "../../testing/make_task_context.ts";

const run = () => "done";

Deno.test("defineTask returns the task unchanged and types its params", () => {
  const task = { params: v.object({ count: v.number() }), run };
  assert.equal(defineTask(task), task);
  const typed = defineTask({ params: task.params, run: ({ count }) => count.toFixed(1) });
  assert.equal(typed.run({ count: 1 }, makeTaskContext()), "1.0");
});

Deno.test("registerTasks gives a plain function no permissions, no schema and no timeout", () => {
  assert.deepEqual(registerTasks({ plain: run }).get("plain"), {
    name: "plain",
    params: undefined,
    timeoutMs: 0,
    permissions: {},
    run,
  });
});

Deno.test("registerTasks keeps what a task declares and calls run on the task", () => {
  const params = v.object({});
  const task = {
    params,
    timeout: { hours: 1, minutes: 2, seconds: 3, milliseconds: 4 },
    permissions: { net: ["example.com"], env: true, sys: false } as const,
    answer: 42,
    run(): number {
      return this.answer;
    },
  };
  const registered = registerTasks({ task: task as unknown as TaskTable[string] }).get("task");
  assert.ok(registered);
  assert.equal(registered.params, params);
  assert.equal(registered.timeoutMs, 3_723_004);
  assert.equal(registered.permissions, task.permissions);
  assert.equal(registered.run({}, makeTaskContext()), 42);
});

Deno.test("registerTasks finds no task by a name that every object has", () => {
  const tasks = registerTasks({ plain: run });
  for (const name of ["constructor", "toString", "__proto__"]) {
    assert.equal(tasks.get(name), undefined);
  }
});

Deno.test("registerTasks takes the fixture tasks", () => {
  assert.equal(registerTasks(fixtureTasks).size, Object.keys(fixtureTasks).length);
});

Deno.test("registerTasks refuses a task that is wrong and says what is allowed", () => {
  const cases: [task: unknown, message: RegExp][] = [
    [undefined, /is undefined: a function or an object with run is allowed/],
    [null, /is null: /],
    ["text", /is string: /],
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
    assert.throws(() => registerTasks({ wrong: task } as TaskTable, didYouMean), (error) => {
      assert.ok(error instanceof ValetError);
      assert.equal(error.code, "invalid_config");
      assert.match(error.message, /^Cannot register the task "wrong": it /);
      assert.match(error.message, message);
      assert.equal(error.details[0]?.path, "wrong");
      return true;
    });
  }
});

Deno.test("registerTasks refuses a name of no or of too many characters", () => {
  assert.throws(() => registerTasks({ "": run }), /has a name of 0 characters: 1 to 255/);
  assert.throws(() => registerTasks({ ["x".repeat(256)]: run }), /has a name of 256 characters/);
  assert.equal(registerTasks({ ["x".repeat(255)]: run }).size, 1);
});

Deno.test("registerTasks reports everything wrong with the table at once", () => {
  const table = { one: { permissions: { run: true, nets: true } }, two: null, three: run };
  assert.throws(() => registerTasks(table as unknown as TaskTable), (error) => {
    assert.ok(error instanceof ValetError);
    assert.deepEqual(error.details.map(({ path }) => path), ["one", "one", "one", "two"]);
    for (const { path, message } of error.details) {
      assert.ok(message.startsWith(`Cannot register the task "${path}": it `), message);
    }
    return true;
  });
});
