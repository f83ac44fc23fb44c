// The few requests that scenarios make between their measurements: submit, look, release.

import type { ServerProcess } from "./server_process.ts";

/** The body of most jobs: what a small real one looks like. */
export const noopBody = JSON.stringify({
  name: "bench",
  task_name: "dummytask",
  task_params: { user: 42, path: "/data/in.csv" },
});

/** Submits a job; its id. */
export async function submit(
  { port }: ServerProcess,
  taskName: string,
  params: object = {},
): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/jobs`, {
    method: "POST",
    body: JSON.stringify({ name: taskName, task_name: taskName, task_params: params }),
  });
  const job = await response.json() as { id: string; message?: string };
  if (response.status !== 202) throw new Error(`Cannot submit ${taskName}: ${job.message}`);
  return job.id;
}

/** How many jobs are in each status. */
async function countJobs({ port }: ServerProcess): Promise<Record<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/status`);
  const { repository } = await response.json() as {
    repository: { jobs: Record<string, number> };
  };
  return repository.jobs;
}

/** Waits until so many jobs have a status, and asks for it gently; the epoch time of that. */
export async function waitForCount(
  server: ServerProcess,
  status: string,
  count: number,
  maxMs = 60_000,
): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const askedMs = performance.now();
    const jobs = await countJobs(server);
    const nowMs = performance.now();
    if ((jobs[status] ?? 0) >= count) return performance.timeOrigin + nowMs;
    if (nowMs - startMs > maxMs) {
      const seen = JSON.stringify(jobs);
      throw new Error(`Cannot go on: not ${count} ${status} within ${maxMs} ms but ${seen}`);
    }
    // A store has to count for it, MySQL for 15 ms: not often enough to be what is measured.
    await sleep(Math.max(50, 10 * (nowMs - askedMs)));
  }
}

/** Occupies every slot with a job that ends when it is deleted; the function that deletes them all. */
export async function closeGate(
  server: ServerProcess,
  concurrency: number,
): Promise<() => Promise<void>> {
  const ids = await Promise.all(Array.from({ length: concurrency }, () => submit(server, "gate")));
  await waitForCount(server, "IN_PROGRESS", concurrency);
  return async () => {
    await Promise.all(ids.map(async (id) => {
      const url = `http://127.0.0.1:${server.port}/jobs/${id}`;
      await (await fetch(url, { method: "DELETE" })).body?.cancel();
    }));
  };
}

/** Resolves after so many milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
