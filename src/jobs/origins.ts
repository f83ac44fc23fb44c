// Which request made a job, for the log line of its end. Known by the node that had the request, in memory.

/** Ids of requests that are kept: of those about the latest jobs. A job may wait for years, or run elsewhere. */
const maxKept = 10_000;

/** The requests that made the jobs which have not finished. */
export class JobOrigins {
  readonly #requestIds = new Map<string, string>();

  /** Notes which request makes a job; the oldest note goes where there are too many. */
  add(jobId: string, requestId: string): void {
    this.#requestIds.set(jobId, requestId);
    if (this.#requestIds.size > maxKept) {
      this.#requestIds.delete(this.#requestIds.keys().next().value!);
    }
  }

  /** The id of the request that made the job, once; undefined: this node does not know it. */
  take(jobId: string): string | undefined {
    const requestId = this.#requestIds.get(jobId);
    if (requestId !== undefined) this.#requestIds.delete(jobId);
    return requestId;
  }
}
