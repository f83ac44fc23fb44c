// Jobs that use more memory than there is: what they cost a node, in a thread and in a process.

import { strict as assert } from "node:assert";
import { startValet } from "../testing/start_valet.ts";
import { withFolder } from "../testing/with_folder.ts";

Deno.test("a job whose memory ends the node runs next in a process, and ends only that", async () => {
  await withFolder(async (folder) => {
    const start = () =>
      startValet({
        tasks: "fixtures",
        config: {
          repository: { option: "sqlite", sqlite: { path: `${folder}/valet.db` } },
          worker_pool: { isolation: "worker", concurrency: 1 },
        },
        // So that the heap is full soon.
        env: { DENO_V8_FLAGS: "--max-old-space-size=80" },
      });
    let id: string;
    {
      await using dying = await start();
      id = await dying.api.submit("fills_heap", {}, { timeout: 60 });
      const { code } = await dying.process.waitForEnd();
      assert.equal(code, 133);
      assert.match(dying.process.stderr, /Fatal JavaScript out of memory/);
    }
    await using next = await start();
    const job = await next.api.waitForJob(id);
    assert.equal(job.status, "FAILED");
    assert.match(job.failure_reason!, /^ran out of memory: its process ended with|^used \d+ MB/);
    assert.equal((await next.api.run("ok")).status, "COMPLETED");
  });
});

Deno.test("the log line of a job that ran in a process has its CPU time and its peak memory", async () => {
  await using valet = await startValet({
    tasks: "fixtures",
    config: { worker_pool: { isolation: "process", concurrency: 1 } },
  });
  const { api, process } = valet;
  await api.run("spins_for", { ms: 200 });
  const line = await process.waitForLog("its line", ({ message }) => message === "job completed");
  const { cpu_ms: cpuMs, peak_memory_mb: peakMb } = line;
  assert.ok(typeof cpuMs === "number" && cpuMs > 0, `cpu_ms is ${cpuMs}`);
  assert.ok(typeof peakMb === "number" && peakMb > 20, `peak_memory_mb is ${peakMb}`);
});
