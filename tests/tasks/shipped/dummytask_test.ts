import assert from "node:assert/strict";
import dummytask from "../../../tasks/shipped/dummytask.ts";
import { runTask } from "../../testing/run_task.ts";

Deno.test("dummytask returns the same text whatever the params", async () => {
  assert.equal(await runTask(dummytask, {}), "some metadata");
  assert.equal(await runTask(dummytask, { any: ["thing"] }), "some metadata");
});
