import assert from "node:assert/strict";
import { type RunGroup, RunGroups } from "../../../../src/executor/host/run_groups.ts";
import type { TaskDescription } from "../../../../src/tasks/description.ts";
import { makeRun, makeRuns } from "../../../testing/make_run.ts";

function taskWith(permissions: Deno.PermissionOptionsObject): TaskDescription {
  return { name: "x", timeoutMs: 0, permissions, hasParamsSchema: false };
}

function makeGroups(...tasks: TaskDescription[]): RunGroups {
  return new RunGroups(new Map(tasks.map((task) => [task.name, task])), "worker");
}

function idsOf(group: RunGroup): string[] {
  return group.waiting.map(({ run }) => run.job.id);
}

Deno.test("RunGroups.groupOf gives tasks with the same permissions the same group", () => {
  const groups = makeGroups();
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
  const groups = makeGroups();
  const task = taskWith({});
  const inWorker = groups.groupOf(task, "worker");
  const inProcess = groups.groupOf(task, "process");
  assert.notEqual(inWorker, inProcess);
  assert.deepEqual([inWorker.isolation, inProcess.isolation], ["worker", "process"]);
});

Deno.test("RunGroups knows the groups of its tasks from the start, and the names of each", () => {
  const [one, two, three] = [{}, { net: true }, { net: true }].map((permissions, place) => ({
    ...taskWith(permissions),
    name: `task${place}`,
  })) as [TaskDescription, TaskDescription, TaskDescription];
  const groups = makeGroups(one, two, three);
  assert.deepEqual(groups.all().map(({ taskNames }) => taskNames), [["task0"], ["task1", "task2"]]);
  assert.deepEqual(groups.groupOf(two, "process").taskNames, ["task1", "task2"]);
});

Deno.test("RunGroups keeps runs in their order; what is put back comes to its old place", () => {
  const groups = makeGroups();
  const group = groups.groupOf(taskWith({}), "worker");
  const runs = makeRuns("ok", 4);
  for (const run of runs) groups.push(group, run, 0);
  const taken = group.waiting.splice(0, 3);
  groups.putBack(group, [taken[2]!]);
  groups.putBack(group, [taken[1]!, taken[0]!]);
  assert.deepEqual(idsOf(group), runs.map(({ job }) => job.id));
  assert.equal(groups.waitingCount, 4);
});

Deno.test("RunGroups.waitingGroups puts the group first whose run waits longest", () => {
  const groups = makeGroups();
  const [one, two, three] = [{}, { net: true }, { read: true }].map((permissions) =>
    groups.groupOf(taskWith(permissions), "worker")
  ) as [RunGroup, RunGroup, RunGroup];
  assert.deepEqual(groups.waitingGroups(), []);
  const run = makeRun("ok");
  for (const group of [three, two, one, two]) groups.push(group, run, 0);
  const first = three.waiting.splice(0);
  assert.deepEqual(groups.waitingGroups(), [two, one]);
  two.waiting.shift();
  assert.deepEqual(groups.waitingGroups(), [one, two]);
  groups.putBack(three, first);
  assert.deepEqual(groups.waitingGroups(), [three, one, two]);
});

Deno.test("RunGroups.remove takes out what is wanted, in order, and leaves the rest in order", () => {
  const groups = makeGroups();
  const [one, two] = [{}, { net: true }].map((permissions) =>
    groups.groupOf(taskWith(permissions), "worker")
  ) as [RunGroup, RunGroup];
  const runs = makeRuns("ok", 6);
  for (const [place, run] of runs.entries()) groups.push(place < 3 ? one : two, run, 0);
  const odd = runs.filter((_, place) => place % 2 === 1);
  const removed = groups.remove(({ run }) => odd.includes(run));
  assert.deepEqual(removed.map(({ run }) => run), odd);
  const left = runs.filter((run) => !odd.includes(run)).map(({ job }) => job.id);
  assert.deepEqual([...idsOf(one), ...idsOf(two)], left);
  assert.deepEqual(groups.remove(() => false), []);
});
