// Reads a whole list page by page; called by the tests of repositories.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import type { JobQuery, Repository } from "../../src/jobs/repository.ts";

/**
 * All jobs of a query, following `nextBeforeId`. Fails where a page is over its limit or its cursor
 * does not move on. `between` runs after each page.
 */
export async function readPages(
  repository: Repository,
  query: JobQuery,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<Job[]> {
  const jobs: Job[] = [];
  let beforeId = query.beforeId;
  while (true) {
    const page = await repository.list({ ...query, beforeId });
    assert.ok(page.jobs.length <= query.limit, `${page.jobs.length} jobs of ${query.limit}`);
    jobs.push(...page.jobs);
    if (page.nextBeforeId === null) return jobs;
    assert.ok(beforeId === undefined || page.nextBeforeId < beforeId, "the cursor stands still");
    beforeId = page.nextBeforeId;
    await between();
  }
}
