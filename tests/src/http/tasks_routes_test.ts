import assert from "node:assert/strict";
import * as v from "valibot";
import type { TaskDefinition } from "../../../src/tasks/task.ts";
import { makeApp } from "../../testing/make_app.ts";

Deno.test("GET /tasks lists the tasks with what is known of each", async () => {
  const full: TaskDefinition = {
    params: v.object({ url: v.string() }),
    timeout: { seconds: 3 },
    permissions: { net: ["example.com"] },
    run() {},
  };
  const app = await makeApp({ tasks: { plain: () => {}, full } });
  for (const path of ["/tasks", "/api/tasks"]) {
    const { status, body } = await app.request("GET", path);
    assert.equal(status, 200);
    assert.deepEqual(body.tasks, [
      { name: "plain", permissions: {}, has_params_schema: false },
      {
        name: "full",
        permissions: { net: ["example.com"] },
        timeout_ms: 3000,
        has_params_schema: true,
        params_checked: "run",
      },
    ]);
  }
});
