// Waits until leases are over; called by the tests of stores that nodes share.

import type { Job } from "../../src/jobs/job.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { defaultDeadlineMs } from "./within.ts";

/** The abandoned jobs of the store, as soon as these are among them. */
export async function waitForAbandoned(
  repository: Repository,
  ids: readonly string[],
): Promise<readonly Job[]> {
  const deadlineMs = performance.now() + defaultDeadlineMs;
  while (performance.now() < deadlineMs) {
    const query = { state: "abandoned", nowMs: repository.now(), limit: 1000 } as const;
    const { jobs } = await repository.find(query);
    if (ids.every((id) => jobs.some((job) => job.id === id))) return jobs;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`Waited ${defaultDeadlineMs} ms in vain for ${ids.length} abandoned jobs`);
}
