import assert from "node:assert/strict";

import type { RunMessage } from "../../../../src/executor/wire/messages.ts";
import {
  type TaskLogLine,
  TaskRun,
  thrownReason,
} from "../../../../src/executor/worker/task_run.ts";

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

function namedError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

/** The texts after the resource are those of `deno run` and of a compiled binary. */
const endings = [
  ", run again with the --allow-net flag",
  ", specify the required permissions during compilation using `deno compile --allow-net`",
];
const permissionTable: readonly [message: string, reason: string][] = endings.flatMap((end) => [
  [
    `Requires net access to "example.com:443"${end}`,
    'needs net access to "example.com:443"; declare permissions.net',
  ],
  [`Requires net access${end}`, "needs net access; declare permissions.net"],
  [
    `Requires read access to "/a, b"${end}`,
    'needs read access to "/a, b"; declare permissions.read',
  ],
  [`Requires read access to <CWD>${end}`, "needs read access to <CWD>; declare permissions.read"],
  [`Requires env access to "HOME"${end}`, 'needs env access to "HOME"; declare permissions.env'],
]);

for (const [message, reason] of permissionTable) {
  Deno.test(`thrownReason tells a refused permission: ${message}`, () => {
    assert.equal(thrownReason(namedError("NotCapable", message)), reason);
  });
}

const reasonTable: readonly [name: string, thrown: unknown, reason: string][] = [
  ["an Error", new Error("it broke"), "it broke"],
  ["an Error without a message", new TypeError(), "TypeError"],
  ["a NotCapable of another form", namedError("NotCapable", "never"), "never"],
  [
    "an Error that only looks like a refused permission",
    new Error('Requires net access to "h:1", run again'),
    'Requires net access to "h:1", run again',
  ],
  ["a text", "no", 'the task threw "no", which is no Error'],
  ["an empty text", "", 'the task threw "", which is no Error'],
  ["undefined", undefined, "the task threw undefined, which is no Error"],
  ["null", null, "the task threw null, which is no Error"],
  ["an object", { code: 42 }, "the task threw { code: 42 }, which is no Error"],
  ["a number", 7, "the task threw 7, which is no Error"],
];
for (const [name, thrown, reason] of reasonTable) {
  Deno.test(`thrownReason tells ${name}`, () => assert.equal(thrownReason(thrown), reason));
}

Deno.test({
  name: "thrownReason tells what the runtime says of a refused permission",
  permissions: "none",
  fn() {
    const cases: readonly [refused: () => unknown, reason: string][] = [
      [() => Deno.env.get("HOME"), 'needs env access to "HOME"; declare permissions.env'],
      [() => Deno.readTextFileSync("/x"), 'needs read access to "/x"; declare permissions.read'],
      [() => Deno.hostname(), 'needs sys access to "hostname"; declare permissions.sys'],
    ];
    for (const [refused, reason] of cases) {
      assert.throws(refused, (thrown) => {
        assert.equal(thrownReason(thrown), reason);
        return true;
      });
    }
  },
});

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
