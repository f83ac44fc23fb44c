// A task that cannot be loaded any more, although it could at the start: its jobs wait, the others run.

import { strict as assert } from "node:assert";
import { eventually } from "../testing/eventually.ts";
import { childrenOf } from "../testing/process_facts.ts";
import { startValet } from "../testing/start_valet.ts";
import { withTasks } from "../testing/task_folder.ts";

const files = {
  "mod.ts": `export const tasks = {
    fine: () => "fine",
    mail: { load: () => import("./mail.ts"), permissions: { net: ["mail.example.com"] } },
  };`,
  "mail.ts": 'export default () => "sent";',
};

Deno.test("jobs of a task that cannot be loaded wait, /status and the log name it, other jobs run", () =>
  withTasks(files, async (workerUrl, folder) => {
    await using valet = await startValet({
      tasks: "folder",
      env: { TEST_WORKER_URL: workerUrl.href },
      config: { worker_pool: { isolation: "process", concurrency: 1, backlog: 1 } },
    });
    const { api, process } = valet;
    assert.equal((await api.run("mail")).status, "COMPLETED");
    await Deno.writeTextFile(`${folder}/tasks/mail.ts`, 'throw new Error("no mail today");');
    const runners = childrenOf(process.pid);
    for (const pid of runners) Deno.kill(pid, "SIGKILL");
    await eventually("the node to miss them", async () => {
      const { workers } = await api.status();
      return workers.lost >= runners.length;
    });
    // More than the pool holds.
    const waiting = await Promise.all([1, 2, 3, 4, 5].map(() => api.submit("mail")));
    const line = await process.waitForLog(
      "the error",
      ({ level, task }) => level === "error" && task === "mail",
    );
    assert.match(
      String(line["reason"]),
      /^Cannot load the task "mail" \(.*mail\.ts:1\): it .*no mail today/,
    );
    await eventually("/status to name it", async () => {
      const { workers } = await api.status();
      return workers.unloadable_tasks.join() === "mail";
    });
    for (let count = 0; count < 5; count++) {
      assert.equal((await api.run("fine")).status, "COMPLETED");
    }
    for (const id of waiting) assert.equal((await api.job(id)).status, "PENDING");
    assert.equal((await api.status()).workers.waiting, 0);
  }));
