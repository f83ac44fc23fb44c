import assert from "node:assert/strict";
import { createParamsCheck } from "../../../src/jobs/params_check.ts";
import type { JsonSchema, TaskDescription } from "../../../src/tasks/description.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { runProgram } from "../../testing/run_program.ts";

function taskWith(name: string, paramsSchema?: JsonSchema): TaskDescription {
  return {
    ...{ name, permissions: {}, timeoutMs: 0, hasParamsSchema: true },
    ...(paramsSchema === undefined ? {} : { paramsSchema }),
    paramsChecked: paramsSchema === undefined ? "run" : "submit",
  };
}

const slowPattern = { properties: { slow: { pattern: "^(a+)+$" }, n: { type: "number" } } };
const slowText = { slow: `${"a".repeat(40)}!` };

/** What takes exponential or quadratic time: a schema, and params for it. */
const slowChecks: Readonly<Record<string, readonly [JsonSchema, object]>> = {
  "a pattern": [slowPattern, slowText],
  "items that must differ": [
    { properties: { list: { uniqueItems: true } } },
    { list: Array.from({ length: 50_000 }, (_, index) => ({ index: [index] })) },
  ],
  "branches of branches": [
    { $ref: "#/$defs/node", $defs: { node: branching({ $ref: "#/$defs/node" }) } },
    Array.from({ length: 60 }).reduce<object>((inner) => ({ inner }), {}),
  ],
  "many branches at each item": [
    { properties: { list: { items: { anyOf: Array(100).fill({ type: "object" }) } } } },
    { list: Array(50_000).fill(1) },
  ],
};

/** Two branches that are both looked at, with the schema in each. */
function branching(inner: JsonSchema): JsonSchema {
  const branch = { properties: { inner }, required: ["other"] };
  return { anyOf: [branch, { ...branch, title: "the same again" }] };
}

for (const [name, [schema, params]] of Object.entries(slowChecks)) {
  Deno.test(`ParamsCheck stops within its time: ${name}`, async () => {
    await using logs = new CapturedLogs();
    const paramsCheck = createParamsCheck({ maxFirstCheckMs: 60_000 });
    const task = taskWith("slow_task", schema);
    await paramsCheck.check(task, {});
    for (let round = 1; paramsCheck.checkedAt(task) === "submit"; round++) {
      assert.ok(round <= 50, "it is checked for ever");
      // A check that is not stopped finds a problem, or takes for ever.
      assert.deepEqual(await paramsCheck.check(task, params), []);
    }
    await logs.waitFor({ level: "warn", task: "slow_task", limit_ms: 300 });
    assert.deepEqual(await paramsCheck.check(task, params), []);
    assert.equal(logs.lines.length, 1);
  });
}

const wrong = [{ path: "task_params.n", message: 'is "1"; a number is allowed' }];

/** A stopped check reads it twice, and so counts 350 ms: half of what a task has. */
function halfForEachStop(): () => number {
  let nowMs = 0;
  return () => nowMs += 350;
}

Deno.test("ParamsCheck checks the other params of a task that was stopped once, and other tasks for ever", async () => {
  await using _logs = new CapturedLogs();
  const paramsCheck = createParamsCheck({ maxFirstCheckMs: 60_000, cpuMs: halfForEachStop() });
  const task = taskWith("slow_task", slowPattern);
  await paramsCheck.check(task, {});
  assert.deepEqual(await paramsCheck.check(task, slowText), []);
  assert.deepEqual(await paramsCheck.check(task, { n: "1" }), wrong);
  assert.deepEqual(await paramsCheck.check(task, slowText), []);
  assert.deepEqual(await paramsCheck.check(task, { n: "1" }), []);
  assert.deepEqual(await paramsCheck.check(taskWith("other", slowPattern), { n: "1" }), wrong);
});

Deno.test("ParamsCheck goes on with a task whose checks were stopped because they got no CPU time", async () => {
  await using logs = new CapturedLogs();
  const paramsCheck = createParamsCheck({ maxFirstCheckMs: 60_000, cpuMs: () => 0 });
  const task = taskWith("slow_task", slowPattern);
  await paramsCheck.check(task, {});
  for (let round = 0; round < 4; round++) {
    assert.deepEqual(await paramsCheck.check(task, slowText), []);
  }
  assert.deepEqual(await paramsCheck.check(task, { n: "1" }), wrong);
  assert.equal(paramsCheck.checkedAt(task), "submit");
  assert.deepEqual(logs.lines, []);
});

Deno.test("ParamsCheck stops the compilation of a schema, and tries it again", async () => {
  await using logs = new CapturedLogs();
  const paramsCheck = createParamsCheck({ maxFirstCheckMs: 1, cpuMs: halfForEachStop() });
  const properties = Object.fromEntries(
    Array.from({ length: 2000 }, (_, index) => [`p${index}`, { anyOf: [{ type: "null" }, {}] }]),
  );
  const task = taskWith("large", { properties });
  for (const checkedAt of ["submit", "run"]) {
    assert.deepEqual(await paramsCheck.check(task, {}), []);
    assert.equal(paramsCheck.checkedAt(task), checkedAt);
  }
  await logs.waitFor({ level: "warn", task: "large", limit_ms: 1, cpu_ms: 700 });
});

for (
  const [name, schema] of Object.entries({
    "that is none": { type: "text" },
    "with a reference to elsewhere": { $ref: "https://example.com/schema.json" },
    "that refers to itself without an end": { $ref: "#" },
  })
) {
  Deno.test(`ParamsCheck leaves a JSON Schema ${name} to the check before the run, with one warning`, async () => {
    await using logs = new CapturedLogs();
    const paramsCheck = createParamsCheck({ maxFirstCheckMs: 60_000, maxCheckMs: 60_000 });
    const task = taskWith("wrong_task", schema);
    assert.equal(paramsCheck.checkedAt(task), "submit");
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(await paramsCheck.check(task, { a: 1 }), []);
    }
    assert.equal(paramsCheck.checkedAt(task), "run");
    await logs.waitFor({ level: "warn", task: "wrong_task" });
    assert.equal(logs.lines.length, 1);
  });
}

Deno.test("ParamsCheck says nothing of a task without a JSON Schema", () => {
  const paramsCheck = createParamsCheck();
  assert.deepEqual(paramsCheck.check(taskWith("bare"), { a: 1 }), []);
  assert.equal(paramsCheck.checkedAt(taskWith("bare")), "run");
});

Deno.test("ParamsCheck leaves all to the check before the run where the process may not use the inspector", async () => {
  const root = new URL("../../../", import.meta.url);
  const program = `
    import { createParamsCheck } from "${new URL("src/jobs/params_check.ts", root)}";
    import { configureLogging, flushLogs } from "${new URL("src/log/log.ts", root)}";
    configureLogging({ format: "json", level: "info" });
    const paramsCheck = createParamsCheck();
    const task = { name: "t", paramsSchema: { type: "null" }, paramsChecked: "submit" };
    for (let round = 0; round < 2; round++) {
      const problems = await paramsCheck.check(task, {});
      console.error(JSON.stringify([problems, paramsCheck.checkedAt(task)]));
    }
    await flushLogs();
  `;
  const { stdout, stderr } = await runProgram(program, ["--allow-read", "--allow-env"]);
  assert.equal(stderr, '[[],"run"]\n[[],"run"]\n');
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /only before it runs.*Requires sys access/);
});
