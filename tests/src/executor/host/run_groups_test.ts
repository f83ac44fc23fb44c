import assert from "node:assert/strict";
import { type RunGroup, RunGroups } from "../../../../src/executor/host/run_groups.ts";
import type { TaskDescription } from "../../../../src/tasks/description.ts";
import { makeRun, makeRuns } from "../../../testing/make_run.ts";

function taskWith(permissions: Deno.PermissionOptionsObject): TaskDescription {
  return { name: "x", timeoutMs: 0, permissions, hasParamsSchema: false };
}

function idsOf(group: RunGroup): string[] {
  return group.waiting.map(({ run }) => run.job.id);
}

Deno.test("RunGroups.groupOf gives tasks with the same permissions the same group", () => {
  const groups = new RunGroups();
  const same: Deno.PermissionOptionsObject[][] = [
    [{}, {}, { net: false }],
    [{ net: ["a", "b"] }, { net: ["b", "a"] }],
    [{ net: true, read: ["/x"] }, { read: ["/x"], net: true }],
    [{ net: ["a"] }],
    [{ read: ["a"] }],
  ];
  const found = same.map((permissions) =>
    new Set(permissions.map((one) => groups.groupOf(taskWith(one), "worker")))
  );
  for (const set of found) assert.equal(set.size, 1);
  assert.equal(new Set(found.flatMap((set) => [...set])).size, same.length);
});

Deno.test("RunGroups.groupOf keeps the isolations apart", () => {
  const groups = new RunGroups();
  const task = taskWith({});
  const inWorker = groups.groupOf(task, "worker");
  const inProcess = groups.groupOf(task, "process");
  assert.notEqual(inWorker, inProcess);
  assert.deepEqual([inWorker.isolation, inProcess.isolation], ["worker", "process"]);
  assert.equal(groups.get(inProcess.key), inProcess);
});

Deno.test("RunGroups keeps runs in their order; what is put back comes first, in its order", () => {
  const groups = new RunGroups();
  const group = groups.groupOf(taskWith({}), "worker");
  const runs = makeRuns("ok", 4);
  for (const run of runs.slice(2)) groups.push(group, run);
  groups.putBack(group, runs.slice(0, 2));
  assert.deepEqual(idsOf(group), runs.map(({ job }) => job.id));
  assert.equal(groups.waitingCount, 4);
});

Deno.test("RunGroups.waitingGroups puts the group first whose run waits longest", () => {
  const groups = new RunGroups();
  const [one, two, three] = [{}, { net: true }, { read: true }].map((permissions) =>
    groups.groupOf(taskWith(permissions), "worker")
  ) as [RunGroup, RunGroup, RunGroup];
  assert.deepEqual(groups.waitingGroups(), []);
  const run = makeRun("ok");
  groups.push(two, run);
  groups.push(one, run);
  groups.push(two, run);
  assert.deepEqual(groups.waitingGroups(), [two, one]);
  two.waiting.shift();
  assert.deepEqual(groups.waitingGroups(), [one, two]);
  groups.putBack(three, [run]);
  assert.deepEqual(groups.waitingGroups(), [three, one, two]);
});

Deno.test("RunGroups.remove takes out what is wanted, in order, and leaves the rest in order", () => {
  const groups = new RunGroups();
  const group = groups.groupOf(taskWith({}), "worker");
  const runs = makeRuns("ok", 6);
  for (const run of runs) groups.push(group, run);
  const odd = runs.filter((_, index) => index % 2 === 1);
  assert.deepEqual(groups.remove((run) => odd.includes(run)), odd);
  assert.deepEqual(
    idsOf(group),
    runs.filter((run) => !odd.includes(run)).map(({ job }) => job.id),
  );
  assert.deepEqual(groups.remove(() => false), []);
});
