// Sets of permissions whose tasks cannot be loaded, although they could at the start.

import assert from "node:assert/strict";
import type { Run } from "../../../../src/executor/host/run.ts";
import { CapturedLogs } from "../../../testing/captured_logs.ts";
import { type MixedPool, withMixedPool } from "../../../testing/mixed_tasks.ts";

const brokenText = 'throw new Error("the module is broken");\n';

/** From now on a worker that loads the task runs this text. */
function rewrite({ folder }: MixedPool, task: number, text: string): Promise<void> {
  return Deno.writeTextFile(`${folder}/task${task}.ts`, text);
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`Pool lets the jobs of a set wait whose task cannot be loaded, isolation ${isolation}`, async () => {
    await using logs = new CapturedLogs();
    const sizes = { concurrency: 2, backlog: 4, isolation };
    await withMixedPool(2, sizes, async (mixed) => {
      const { makeRun, probe } = mixed;
      await rewrite(mixed, 1, brokenText);
      const waiting = [makeRun(1, 0), makeRun(1, 0)] as [Run, Run];
      probe.pool.submit(waiting);
      await probe.untilReturned(2);
      assert.deepEqual(waiting.map((run) => probe.pool.canRun(run)), [false, false]);
      const others = [1, 2, 3].map(() => makeRun(0, 0));
      for (const end of await probe.run(...others)) {
        assert.ok("outcome" in end && end.outcome.status === "COMPLETED");
      }
      const line = await logs.waitFor({ level: "error", task: "task1" });
      assert.match(
        String(line["reason"]),
        /^Cannot load the task "task1" \(.*task1\.ts:1\): .*the module is broken/,
      );
      assert.equal(line["tasks"], "task1");
      assert.deepEqual(probe.pool.stats().unloadableTasks, ["task1"]);
      assert.equal(probe.pool.canRun(makeRun(0, 0)), true);
      // Processes are started side by side.
      const { started } = probe.pool.stats();
      assert.ok(started <= 2 * 3 + 2, `${started} workers were started`);
      assert.deepEqual(waiting.map((run) => probe.endOf(run)), [undefined, undefined]);
      assert.equal(probe.loadableCount, 0);
    });
  });

  Deno.test(`Pool runs the jobs of a set as soon as its task can be loaded, isolation ${isolation}`, async () => {
    await using logs = new CapturedLogs();
    await withMixedPool(2, { concurrency: 1, isolation }, async (mixed) => {
      const { makeRun, moduleText, probe } = mixed;
      await rewrite(mixed, 1, brokenText);
      const run = makeRun(1, 0);
      probe.pool.submit([run]);
      await logs.waitFor({ level: "error", message: "cannot start a worker" });
      await rewrite(mixed, 1, moduleText);
      await probe.endsOf([run]);
      assert.deepEqual(probe.pool.stats().unloadableTasks, []);
      assert.ok(probe.pool.canRun(run));
    });
  });
}

Deno.test("Pool goes on at full speed beside a set whose task hangs while it is loaded", async () => {
  await withMixedPool(2, { concurrency: 1, backlog: 4 }, async (mixed) => {
    const { makeRun, probe } = mixed;
    await rewrite(mixed, 1, "await new Promise(() => {});\n");
    await probe.run(makeRun(0, 0));
    const hanging = [makeRun(1, 0), makeRun(1, 0)] as [Run, Run];
    probe.pool.submit(hanging);
    await probe.untilReturned(2);
    assert.equal(probe.pool.canRun(hanging[0]), false);
    await probe.run(...Array.from({ length: 20 }, () => makeRun(0, 0)));
    assert.ok(probe.pool.room() >= 1);
    assert.equal(probe.pool.stats().lost, 0, "it has 10 seconds");
  });
});
