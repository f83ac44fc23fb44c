// Stores how runs ended, whatever the store says to it: an outage is waited for, and what the store refuses for
// good is one job's affair, which then fails with the reason. Called by the dispatcher.

import type { Clock } from "../clock.ts";
import { errorMessage, isRefusal, isUnavailable } from "../errors.ts";
import type { Job } from "../jobs/job.ts";
import { type Change, changedId } from "../jobs/job_change.ts";
import type { Repository } from "../jobs/repository.ts";
import { getLogger } from "../log/log.ts";

/** What storing works with. */
export interface EndStoreOptions {
  readonly repository: Pick<Repository, "change">;
  readonly clock: Clock;
  /** Ends the tries: the node gives up on a store that is gone. */
  readonly signal: AbortSignal;
}

/** A change as it was stored. */
export interface StoredEnd {
  readonly change: Change;
  /** The job after it; null: it did not fit; undefined: the store refuses it in every form. */
  readonly job: Job | null | undefined;
}

/** Between tries after an error of the store: doubles up to the maximum. */
const minRetryMs = 50;
const maxRetryMs = 500;
/** So often a change is tried whose error may pass. */
const maxTries = 5;
/** Of a reason that names an error of the store, in characters. */
const maxReasonLength = 1_000;
/** The reason where the store refuses another one: short, and plain ASCII. */
const lastReason = "the outcome cannot be stored; the log says why";

const log = getLogger("dispatcher");

/** Stores the changes; null: the node gave up before the store was there. */
export async function storeEnds(
  changes: readonly Change[],
  options: EndStoreOptions,
): Promise<readonly StoredEnd[] | null> {
  const answer = await tryToStore(changes, options);
  if (answer === null) return null;
  if ("jobs" in answer) {
    return changes.map((change, index) => ({ change, job: answer.jobs[index] ?? null }));
  }
  if (changes.length === 1) return await storePlainer(changes[0]!, answer.error, options);
  // One that the store refuses must not keep the others from being stored.
  const each = await Promise.all(changes.map((change) => storeEnds([change], options)));
  return each.every((stored) => stored !== null) ? each.flat() : null;
}

/** Stores in place of a refused outcome that the job failed, with the store's reason, or at last without it. */
async function storePlainer(
  refused: Change,
  error: unknown,
  options: EndStoreOptions,
): Promise<readonly StoredEnd[] | null> {
  for (const form of plainerForms(refused, error)) {
    const answer = await tryToStore([form], options);
    if (answer === null) return null;
    if ("jobs" in answer) return [{ change: form, job: answer.jobs[0] ?? null }];
  }
  return [{ change: refused, job: undefined }];
}

function plainerForms(change: Change, error: unknown): Change[] {
  if (change.kind !== "finish") return [];
  const what = change.outcome.resultJson === undefined ? "failure reason" : "result";
  const reason = `the ${what} cannot be stored: ${errorMessage(error)}`.slice(0, maxReasonLength);
  return [reason, lastReason].map((failureReason) => ({
    ...change,
    outcome: { ...change.outcome, status: "FAILED", resultJson: undefined, failureReason },
  }));
}

/** Waits for the end of an outage; an error: the store refuses the changes. */
async function tryToStore(
  changes: readonly Change[],
  { repository, clock, signal }: EndStoreOptions,
): Promise<{ jobs: readonly (Job | null)[] } | { error: unknown } | null> {
  let tries = 0;
  for (let retryMs = minRetryMs;; retryMs = Math.min(maxRetryMs, retryMs * 2)) {
    try {
      return { jobs: await repository.change(changes, clock.now()) };
    } catch (error) {
      // An outage is told by the driver, once.
      if (!isUnavailable(error)) {
        // Of many nobody knows yet whose error it is.
        if (changes.length > 1) return { error };
        log.error("cannot store how a job ended", {
          job_id: changedId(changes[0]!),
          reason: errorMessage(error),
        });
        if (isRefusal(error) || ++tries === maxTries) return { error };
      }
    }
    await clock.sleep(retryMs, signal);
    if (signal.aborted) return null;
  }
}
