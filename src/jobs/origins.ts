// Which request made a job, for the log line of its end. Known by the node that had the request, in memory.

/** At most twice as many request ids are kept: those of the latest jobs. A job may wait for years. */
const maxLatest = 5_000;

/** The requests that made the jobs which have not finished. */
export class JobOrigins {
  #latest = new Map<string, string>();
  #older = new Map<string, string>();

  /** Notes which request makes a job; the oldest notes go where there are too many. */
  add(jobId: string, requestId: string): void {
    this.#latest.set(jobId, requestId);
    if (this.#latest.size < maxLatest) return;
    this.#older = this.#latest;
    this.#latest = new Map();
  }

  /** The id of the request that made the job, once; undefined: this node does not know it. */
  take(jobId: string): string | undefined {
    const requestId = this.#latest.get(jobId) ?? this.#older.get(jobId);
    if (requestId !== undefined && !this.#latest.delete(jobId)) this.#older.delete(jobId);
    return requestId;
  }
}
