// Many jobs at once over HTTP: each is accepted or refused, and what is accepted runs once. A part of the
// end-to-end tests, for every pair of stores.

import { strict as assert } from "node:assert";
import { reportMeasurement } from "./report_measurement.ts";
import type { RunningValet } from "./start_valet.ts";

const clientCount = 32;

/** Submits so many jobs, those that a full queue refused again, and waits until all have run. */
export async function manyJobsRunOnce({ api, process }: RunningValet, count: number) {
  const before = (await api.status()).repository.jobs["COMPLETED"]!;
  const ids = new Set<string>();
  let leftCount = count;
  let refusedCount = 0;

  async function submitJobs(): Promise<void> {
    while (leftCount > 0) {
      leftCount -= 1;
      const body = { name: "load", task_name: "dummytask" };
      let answer = await api.request("POST", "/jobs", body);
      for (; answer.status === 503; answer = await api.request("POST", "/jobs", body)) {
        assert.match(answer.body.message, /the queue is full/);
        refusedCount += 1;
      }
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      ids.add(answer.body.id);
    }
  }

  const startedAtMs = performance.now();
  await Promise.all(Array.from({ length: clientCount }, submitJobs));
  assert.equal(ids.size, count, "two jobs share an id");
  for (const id of ids) await process.waitForJobEnd(id);
  const seconds = (performance.now() - startedAtMs) / 1000;

  const { repository, workers } = await api.status();
  assert.equal(repository.jobs["COMPLETED"], before + count);
  const told = process.log.filter(({ component }) => component === "executor");
  const counts = [workers.busy, workers.waiting, workers.lost];
  assert.deepEqual(counts, [0, 0, 0], JSON.stringify(told));
  const ends = process.log.filter(({ message, job_id: id }) =>
    message === "job completed" && ids.has(String(id))
  );
  assert.equal(ends.length, count, "a job ran twice");
  reportMeasurement(
    `${count} jobs in ${seconds.toFixed(1)} s, ${refusedCount} requests refused by a full queue`,
  );
}
