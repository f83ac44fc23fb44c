// Many jobs at once over HTTP: each is accepted or refused, and what is accepted runs once.

import { strict as assert } from "node:assert";
import { reportMeasurement } from "../testing/report_measurement.ts";
import { startValet } from "../testing/start_valet.ts";

const jobCount = 5_000;
const clientCount = 32;

Deno.test(`${jobCount} jobs over HTTP all run exactly once, whatever the queue refuses`, async () => {
  await using valet = await startValet({
    config: {
      job_queue: { memory_job_queue: { capacity: 1 } },
      worker_pool: { concurrency: 2, backlog: 1 },
    },
  });
  const { api, process } = valet;
  const ids = new Set<string>();
  let leftCount = jobCount;
  let refusedCount = 0;

  async function submitJobs(): Promise<void> {
    while (leftCount > 0) {
      leftCount -= 1;
      const body = { name: "load", task_name: "dummytask" };
      let answer = await api.request("POST", "/jobs", body);
      for (; answer.status === 503; answer = await api.request("POST", "/jobs", body)) {
        refusedCount += 1;
      }
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      ids.add(answer.body.id);
    }
  }

  const startedAtMs = performance.now();
  await Promise.all(Array.from({ length: clientCount }, submitJobs));
  assert.equal(ids.size, jobCount, "two jobs share an id");
  for (const id of ids) await process.waitForJobEnd(id);
  const seconds = (performance.now() - startedAtMs) / 1000;

  const { repository, workers } = await api.status();
  assert.equal(repository.jobs["COMPLETED"], jobCount);
  assert.equal(repository.jobs["FAILED"], 0);
  assert.deepEqual([workers.busy, workers.waiting, workers.lost], [0, 0, 0]);
  await process.stop();
  const ends = process.log.filter(({ message }) => message === "job completed");
  assert.equal(ends.length, jobCount, "a job ran twice");
  assert.equal(new Set(ends.map((line) => line["job_id"])).size, jobCount);
  reportMeasurement(
    `${jobCount} jobs in ${seconds.toFixed(1)} s, ${refusedCount} requests refused by a full queue`,
  );
});
