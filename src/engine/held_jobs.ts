// The jobs that this node has claimed, and their leases. Used by the dispatcher alone.

import type { Clock } from "../clock.ts";
import { errorMessage, isUnavailable } from "../errors.ts";
import type { Job } from "../jobs/job.ts";
import type { Change } from "../jobs/job_change.ts";
import { getLogger } from "../log/log.ts";
import type { Repository } from "../jobs/repository.ts";

/** What the leases are renewed with. */
export interface HeldJobsOptions {
  readonly repository: Pick<Repository, "change">;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** The repository gives the job to this node no longer: it was deleted, or its lease was over. */
  readonly onLost: (job: Job) => void;
}

/** Also how soon a node hears that another one deleted what it runs. */
const maxRenewalMs = 1_000;

const log = getLogger("dispatcher");

/** Jobs from their claim until their end is stored, each as it was claimed. */
export class HeldJobs {
  readonly #options: HeldJobsOptions;
  readonly #jobs = new Map<string, Job>();

  constructor(options: HeldJobsOptions) {
    this.#options = options;
  }

  /** Notes a claimed job. */
  add(job: Job): void {
    this.#jobs.set(job.id, job);
  }

  /** Forgets the claim; a later one of the same job stays. */
  remove(job: Job): void {
    if (this.#jobs.get(job.id) === job) this.#jobs.delete(job.id);
  }

  /** Whether a job of that id is held. */
  has(jobId: string): boolean {
    return this.#jobs.has(jobId);
  }

  /** Whether there is such a job among them. */
  some(isWanted: (job: Job) => boolean): boolean {
    for (const job of this.#jobs.values()) if (isWanted(job)) return true;
    return false;
  }

  /** Renews every lease long before it expires, until the signal aborts. Never rejects. */
  async renewUntil(signal: AbortSignal): Promise<void> {
    const { clock, leaseMs } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(Math.min(maxRenewalMs, leaseMs / 3), signal);
      try {
        if (this.#jobs.size > 0) await this.#renew();
      } catch (thrown) {
        // While the store cannot be reached nobody else can take the jobs: they go on.
        if (isUnavailable(thrown)) continue;
        log.error("cannot renew leases, trying again", { reason: errorMessage(thrown) });
      }
    }
  }

  async #renew(): Promise<void> {
    const { repository, clock, leaseMs, onLost } = this.#options;
    const held = [...this.#jobs.values()];
    const changes = held.map((job): Change => ({ kind: "renew", held: job, leaseMs }));
    const renewed = await repository.change(changes, clock.now());
    for (const [index, job] of held.entries()) {
      if (renewed[index] === null && this.#jobs.get(job.id) === job) onLost(job);
    }
  }
}
