// What two repositories must agree on in the answer to a change; called by the conformance suites.

import type { Job } from "../../src/jobs/job.ts";
import type { Change } from "../../src/jobs/job_change.ts";

/**
 * The answer without what a driver is free to leave out: the answer to a change with a held job need not know
 * of an edit since the claim.
 */
export function comparableAnswer(change: Change, answer: Job | null | undefined): unknown {
  if (answer === null || answer === undefined || !("held" in change)) return answer;
  const { id, status, attempt, fence, crashes } = answer;
  return { id, status, attempt, fence, crashes };
}
