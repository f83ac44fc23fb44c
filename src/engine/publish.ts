// Publishes jobs that wait already. Called by what brings jobs to the queue after their POST: the scheduler and
// the dispatcher.

import type { Clock } from "../clock.ts";
import { errorMessage, isRefusal } from "../errors.ts";
import type { Job } from "../jobs/job.ts";
import type { Queue } from "../jobs/queue.ts";
import type { Repository } from "../jobs/repository.ts";
import { getLogger } from "../log/log.ts";

/** What publishing works with. */
export interface PublishOptions {
  readonly repository: Pick<Repository, "change">;
  readonly queue: Pick<Queue, "publish">;
  readonly clock: Pick<Clock, "now">;
}

const log = getLogger("queue");

/**
 * Publishes the jobs. One that the queue refuses for good has failed: it could never reach a worker, and would be
 * published again and again. Throws like the `publish` of the queue otherwise.
 */
export async function publishWaiting(
  jobs: readonly Job[],
  options: PublishOptions,
): Promise<void> {
  try {
    await options.queue.publish(jobs);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    if (jobs.length === 1) return await failRefused(jobs[0]!, thrown, options);
    // A job may be published twice by this: the second message of it finds nothing to do.
    const half = jobs.length >> 1;
    await publishWaiting(jobs.slice(0, half), options);
    await publishWaiting(jobs.slice(half), options);
  }
}

async function failRefused(
  { id, taskName: task, attempt }: Job,
  thrown: unknown,
  { repository, clock }: PublishOptions,
): Promise<void> {
  const failureReason = `the job cannot be queued: ${errorMessage(thrown)}`;
  const [failed] = await repository.change([{ kind: "refuse", id, failureReason }], clock.now());
  // Null: it was deleted, or is at work after all.
  if (failed === null) return;
  log.warn("job failed", { job_id: id, task, outcome: "failed", attempt, reason: failureReason });
}
