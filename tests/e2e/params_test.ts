// Params at POST: what their schema refuses, and that no schema can hold the server up.

import { strict as assert } from "node:assert";
import { startValet } from "../testing/start_valet.ts";

Deno.test("a pattern that backtracks for ever holds up neither the server nor its stop", async () => {
  await using valet = await startValet({
    tasks: "fixtures",
    config: {
      timeout_unit: "millisecond",
      worker_pool: { isolation: "process", concurrency: 1, kill_grace: "200ms" },
    },
  });
  const { api, process } = valet;
  const submit = (text: unknown) =>
    api.request("POST", "/jobs", {
      task_name: "slow_pattern",
      task_params: { text },
      timeout: 300,
    });
  const checkedAt = async () =>
    (await api.request("GET", "/tasks")).body.tasks
      .find(({ name }: { name: string }) => name === "slow_pattern").params_checked;

  const refused = await submit("ab");
  assert.equal(refused.status, 400);
  assert.deepEqual(refused.body.details, [
    { path: "task_params.text", message: 'is "ab"; a text that matches /^(a+)+$/ is allowed' },
  ]);
  assert.equal(await checkedAt(), "submit");

  const endless = `${"a".repeat(40)}b`;
  const answers = await Promise.all(Array.from({ length: 10 }, () => submit(endless)));
  assert.deepEqual(answers.map(({ status }) => status), Array(10).fill(202));
  assert.equal(await checkedAt(), "run");
  // The worker does not know how to end it either, but its process does.
  const job = await api.waitForJob(answers[0]!.body.id);
  assert.equal(job.failure_reason, "timed out after 300 milliseconds");
  const warnings = process.log.filter(({ message }) =>
    message.startsWith("checks of a task's params")
  );
  assert.deepEqual(warnings.map(({ level, task }) => [level, task]), [["warn", "slow_pattern"]]);

  assert.equal((await process.stop()).code, 0);
});
