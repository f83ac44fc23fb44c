import assert from "node:assert/strict";
import { RunGroups } from "../../../../src/executor/host/run_groups.ts";
import { StartFailures } from "../../../../src/executor/host/start_failures.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { describedFixtures, makeRun } from "../../../testing/make_run.ts";

const group = new RunGroups(describedFixtures, "worker").groupOf(makeRun("ok").task, "worker");

Deno.test("StartFailures lets runs fail after three failures, and tries again ever more slowly", async () => {
  await using _logs = new CapturedLogs();
  const failures = new StartFailures();
  let nowMs = 0;
  const fail = (): [string, number] => {
    const verdict = failures.note(group, "EAGAIN", undefined, false, nowMs);
    return [verdict, failures.retryAtMs(group) - nowMs];
  };
  for (const told of [["retry", 100], ["retry", 200], ["fail", 400], ["fail", 800]]) {
    assert.deepEqual(fail(), told);
    assert.deepEqual(fail(), told, "a worker that was started with it");
    nowMs = failures.retryAtMs(group);
  }
  for (let count = 0; count < 10; count++, nowMs = failures.retryAtMs(group)) fail();
  assert.equal(fail()[1], 5_000);
  assert.deepEqual([failures.has(group), failures.isUnloaded(group)], [true, false]);
  failures.noteLoaded(group);
  assert.ok(failures.has(group), "no run of it has ended");
  failures.clear(group);
  assert.deepEqual([failures.has(group), failures.retryAtMs(group)], [false, -Infinity]);
});

Deno.test("StartFailures tells after three tries that a task cannot be loaded, once, and that it can", async () => {
  await using logs = new CapturedLogs();
  const failures = new StartFailures();
  const fail = () => {
    const nowMs = Math.max(0, failures.retryAtMs(group));
    return failures.note(group, "it throws", ["ok"], false, nowMs);
  };
  assert.deepEqual([fail(), failures.unloadableTasks()], ["retry", []]);
  assert.deepEqual([failures.isUnloaded(group), failures.unloadedGroups()], [true, [group]]);
  assert.deepEqual([fail(), fail(), fail()], ["retry", "wait", "wait"]);
  assert.deepEqual(failures.unloadableTasks(), ["ok"]);
  assert.equal(failures.retryAtMs(group), 100 + 200 + 2 * 60_000);
  failures.noteLoaded(group);
  assert.deepEqual([failures.unloadableTasks(), failures.has(group)], [[], false]);
  await logs.waitFor({ level: "info", task: "ok" });
  const told = logs.lines.filter(({ level, task }) => level === "error" && task === "ok");
  assert.equal(told.length, 1);
  assert.equal(told[0]!["reason"], "it throws");
});

Deno.test("StartFailures has a set whose task hung tried in a process, until it loads", async () => {
  await using _logs = new CapturedLogs();
  const failures = new StartFailures();
  assert.equal(failures.isolationOf(group), "worker");
  failures.note(group, "it hangs", ["ok"], true, 0);
  failures.note(group, "it throws", ["ok"], false, 0);
  assert.equal(failures.isolationOf(group), "process");
  failures.noteLoaded(group);
  assert.equal(failures.isolationOf(group), "worker");
});
