import assert from "node:assert/strict";
import { defaultMaxWorkers, workersFor } from "../../../src/node/max_workers.ts";
import { tasksOf } from "../../testing/make_run.ts";

const gib = 1024 ** 3;

Deno.test("workersFor gives each set a worker and as many as concurrency needs, as far as memory allows", () => {
  const pool = { concurrency: 4, isolation: "worker", jobsPerWorker: 1 } as const;
  const cases = [
    { sets: 3, pool, memoryBytes: Infinity, count: 7 },
    { sets: 3, pool: { ...pool, jobsPerWorker: 3 }, memoryBytes: Infinity, count: 5 },
    { sets: 100, pool, memoryBytes: 2 * gib, count: 16 },
    { sets: 100, pool: { ...pool, isolation: "process" as const }, memoryBytes: 2 * gib, count: 8 },
    { sets: 3, pool, memoryBytes: gib / 8, count: 4 },
  ];
  for (const { count, memoryBytes, pool, sets } of cases) {
    assert.equal(workersFor(sets, pool, memoryBytes), count, JSON.stringify({ sets, pool }));
  }
});

Deno.test("defaultMaxWorkers counts the sets of permissions, not the tasks", async () => {
  const pool = { concurrency: 1, isolation: "worker", jobsPerWorker: 1 } as const;
  assert.equal(await defaultMaxWorkers(tasksOf("ok", "no_result", "net_task"), pool), 3);
});
