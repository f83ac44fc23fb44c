// A Repository that is obviously right and slow: one Map, filter and sort. The model test compares
// every driver with it. Never use it for anything else.

// deno-lint-ignore-file require-await -- async only turns what is thrown into a rejection

import { ValetError } from "../../src/errors.ts";
import {
  applyChange,
  type Job,
  type JobResult,
  type JobStatus,
  jobStatuses,
  resultOf,
} from "../../src/job.ts";
import type { Repository } from "../../src/repository.ts";

/** An empty repository. */
export function createOracleRepository(): Repository {
  const jobs = new Map<string, Job>();
  const results = new Map<string, JobResult>();
  let isClosed = false;

  function assertOpen(): void {
    if (isClosed) throw new ValetError("unavailable", "Cannot use the oracle: it is closed");
  }

  return {
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

    async update(id, { name, description }) {
      assertOpen();
      const job = jobs.get(id);
      if (job === undefined) return false;
      jobs.set(id, {
        ...job,
        name: name ?? job.name,
        description: description ?? job.description,
      });
      return true;
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
        const job = jobs.get(change.id);
        const next = job === undefined ? null : applyChange(job, change, nowMs);
        if (next === null) return null;
        jobs.set(next.id, next);
        if (change.kind === "finish") results.set(next.id, resultOf(next.id, change.outcome));
        return next;
      });
    },

    async findDue(nowMs, limit) {
      assertOpen();
      const waiting = [...jobs.values()]
        .filter((job) => job.status === "PENDING" && job.runAtMs !== undefined)
        .sort((a, b) => a.runAtMs! - b.runAtMs! || (a.id < b.id ? -1 : 1));
      const due = waiting.filter((job) => job.runAtMs! <= nowMs).slice(0, limit);
      return { jobs: due, nextRunAtMs: waiting[due.length]?.runAtMs ?? null };
    },

    async count() {
      assertOpen();
      const all = [...jobs.values()];
      const pairs = jobStatuses.map((
        status,
      ) => [status, all.filter((job) => job.status === status).length]);
      return Object.fromEntries(pairs) as Record<JobStatus, number>;
    },

    async health() {
      return isClosed ? { isHealthy: false, reason: "it is closed" } : { isHealthy: true };
    },

    async close() {
      isClosed = true;
    },
  };
}
