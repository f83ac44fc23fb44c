// A Repository that is obviously right and slow: one Map, filter and sort. The model test compares
// every driver with it. Never use it for anything else.

// deno-lint-ignore-file require-await -- async only turns what is thrown into a rejection

import { ValetError } from "../../src/errors.ts";
import {
  isWaiting,
  type Job,
  type JobResult,
  type JobStatus,
  jobStatuses,
} from "../../src/jobs/job.ts";
import { applyChange, changedId, resultAfter } from "../../src/jobs/job_change.ts";
import type { Repository } from "../../src/jobs/repository.ts";

/** An empty repository. One that is shared has leases that are never over, so that nothing is rescued. */
export function createOracleRepository(isShared = false): Repository {
  const jobs = new Map<string, Job>();
  const results = new Map<string, JobResult>();
  let isClosed = false;

  function assertOpen(): void {
    if (isClosed) throw new ValetError("unavailable", "Cannot use the oracle: it is closed");
  }

  return {
    isDurable: false,
    isShared,
    now: Date.now,

    async insert(added) {
      assertOpen();
      const ids = added.map((job) => job.id);
      if (ids.some((id) => jobs.has(id)) || new Set(ids).size < ids.length) {
        throw new ValetError("already_exists", "Cannot insert the jobs: an id is stored");
      }
      for (const job of added) jobs.set(job.id, job);
    },

    async get(id) {
      assertOpen();
      return jobs.get(id) ?? null;
    },

    async list({ status, taskName, text, limit, beforeId }) {
      assertOpen();
      const part = text?.toLowerCase();
      const matches = [...jobs.values()]
        .filter((job) => status === undefined || job.status === status)
        .filter((job) => taskName === undefined || job.taskName === taskName)
        .filter((job) =>
          part === undefined || job.name.toLowerCase().includes(part) ||
          job.description?.toLowerCase().includes(part)
        )
        .filter((job) => beforeId === undefined || job.id < beforeId)
        .sort((a, b) => (a.id < b.id ? 1 : -1));
      const page = matches.slice(0, limit);
      return {
        jobs: page,
        nextBeforeId: matches.length > limit ? page[limit - 1]!.id : null,
      };
    },

    async delete(id) {
      assertOpen();
      const job = jobs.get(id) ?? null;
      jobs.delete(id);
      results.delete(id);
      return job;
    },

    async getResult(jobId) {
      assertOpen();
      return results.get(jobId) ?? null;
    },

    async deleteResult(jobId) {
      assertOpen();
      return results.delete(jobId);
    },

    async change(changes, nowMs) {
      assertOpen();
      return changes.map((change) => {
        const job = jobs.get(changedId(change));
        if (job === undefined || (isShared && change.kind === "rescue")) return null;
        const next = applyChange(job, change, nowMs);
        if (next === null) return null;
        const result = next === job ? undefined : resultAfter(change, next);
        if (result !== undefined) results.set(next.id, result);
        jobs.set(next.id, next);
        return next;
      });
    },

    async find({ state, nowMs, limit, afterId }) {
      assertOpen();
      if (state === "abandoned") return { jobs: [], nextRunAtMs: null };
      const byId = [...jobs.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
      if (state === "waiting") {
        const waiting = byId.filter(isWaiting)
          .filter((job) => afterId === undefined || job.id > afterId);
        return { jobs: waiting.slice(0, limit), nextRunAtMs: null };
      }
      const deferred = byId
        .filter((job) => job.status === "PENDING" && job.runAtMs !== undefined)
        .sort((a, b) => a.runAtMs! - b.runAtMs!);
      const due = deferred.filter((job) => job.runAtMs! <= nowMs).slice(0, limit);
      return { jobs: due, nextRunAtMs: deferred[due.length]?.runAtMs ?? null };
    },

    async count() {
      assertOpen();
      const all = [...jobs.values()];
      const pairs = jobStatuses.map((
        status,
      ) => [status, all.filter((job) => job.status === status).length]);
      const byStatus = Object.fromEntries(pairs) as Record<JobStatus, number>;
      return { byStatus, waiting: all.filter(isWaiting).length };
    },

    async health() {
      return isClosed ? { isHealthy: false, reason: "it is closed" } : { isHealthy: true };
    },

    async close() {
      isClosed = true;
    },
  };
}
