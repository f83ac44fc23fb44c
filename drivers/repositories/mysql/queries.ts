// Reads pages of jobs, the work there is, and how much. Called by repository.ts; each query looks at a bounded
// number of rows by an index, and reads whole jobs only once it knows which.

import type { Buffer } from "node:buffer";
import { steadyNow } from "../../../src/clock.ts";
import { isWaiting, type Job } from "../../../src/jobs/job.ts";
import type {
  JobCounts,
  JobPage,
  JobQuery,
  Work,
  WorkQuery,
} from "../../../src/jobs/repository.ts";
import {
  createJobFilter,
  JobPageBuilder,
  likePattern,
  maxPageTextLength,
  textLength,
} from "../job_page.ts";
import { toBytes, toHex, toId } from "./ids.ts";
import { toJob, type Value } from "./rows.ts";
import { statements } from "./statements.ts";
import { byStatus, states, statesOf } from "./states.ts";
import type { MysqlServer, Session } from "./server.ts";

/** So many jobs one step of a search looks at. */
const candidateStep = 250;
const read = { isRepeatable: true } as const;
/** Whole jobs are read so many at a time, first and at most: nobody knows before how large they are. */
const firstReadCount = 16;
const maxReadCount = 64;

const firstId = "00000000-0000-0000-0000-000000000000";
const lastId = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** The `list` of the port. Between two steps others may use the connection. */
export async function listJobs(server: MysqlServer, query: JobQuery): Promise<JobPage> {
  const { limit, status, taskName, text, maxMs = Infinity } = query;
  // An index finds the jobs of a status or of a task; everything else takes a look at them.
  const isSearch = text !== undefined || (status !== undefined && taskName !== undefined);
  const step = isSearch ? candidateStep : limit + 1;
  const matches = createJobFilter(query);
  const page = new JobPageBuilder(query);
  const endMs = steadyNow() + maxMs;
  let beforeId = query.beforeId ?? lastId;
  for (;;) {
    const [ids, hits] = await server.use(async (session) => {
      const ids = await findCandidates(session, query, beforeId, step);
      return [ids, isSearch ? await search(session, ids, query) : ids];
    }, read);
    for (let readCount = 0, count = firstReadCount; readCount < hits.length; count = maxReadCount) {
      if (page.isFull) return page.end(beforeId);
      const part = hits.slice(readCount, readCount + count);
      const stored = await server.use((session) => readStored(session, part), read);
      for (const id of part) {
        // Only one more makes a next page, so that the last page is known to be the last.
        if (page.isFull) return page.end(beforeId);
        const job = stored.get(id);
        // It may have changed meanwhile.
        if (job !== undefined && matches(job)) page.add(job);
        beforeId = id;
      }
      readCount += part.length;
    }
    if (ids.length < step) return page.end(null);
    beforeId = ids.at(-1)!;
    if (page.isFull || steadyNow() >= endMs) return page.end(beforeId);
  }
}

/** Ids of jobs that may match, newest first. */
async function findCandidates(
  session: Session,
  { status, taskName }: JobQuery,
  beforeId: string,
  limit: number,
): Promise<string[]> {
  const before = toBytes(beforeId);
  if (status !== undefined) {
    const ids: string[] = [];
    for (const state of statesOf(status)) {
      ids.push(...toIds(await session.execute(statements.listByState, [state, before, limit])));
    }
    return ids.sort().reverse().slice(0, limit);
  }
  if (taskName !== undefined) {
    return toIds(await session.execute(statements.listByTask, [taskName, before, limit]));
  }
  return toIds(await session.execute(statements.listAll, [before, limit]));
}

/** Those of the ids whose jobs may match, in their order. */
async function search(
  session: Session,
  ids: readonly string[],
  { taskName, text }: JobQuery,
): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const pattern = text === undefined ? null : likePattern(text) ?? null;
  const task = taskName ?? null;
  const values = [toJson(ids), task, task, pattern, pattern, pattern];
  const found = new Set(toIds(await session.execute(statements.searchedJobs, values)));
  return ids.filter((id) => found.has(id));
}

/** The jobs of the first ids, in their order, without those deleted meanwhile; and how many ids that were. */
async function readJobs(
  session: Session,
  ids: readonly string[],
): Promise<{ readonly jobs: readonly Job[]; readonly readCount: number }> {
  const jobs: Job[] = [];
  let readCount = 0;
  let pageTextLength = 0;
  for (
    let count = firstReadCount;
    readCount < ids.length;
    count = Math.min(count * 2, maxReadCount)
  ) {
    const part = ids.slice(readCount, readCount + count);
    const stored = await readStored(session, part);
    for (const id of part) {
      if (pageTextLength >= maxPageTextLength) return { jobs, readCount };
      readCount++;
      const job = stored.get(id);
      if (job === undefined) continue;
      jobs.push(job);
      pageTextLength += textLength(job);
    }
  }
  return { jobs, readCount };
}

async function readStored(session: Session, ids: readonly string[]): Promise<Map<string, Job>> {
  const rows = await session.execute(statements.jobs, [toJson(ids)]);
  return new Map(rows.map(toJob).map((job) => [job.id, job]));
}

/** The `find` of the port. */
export async function findWork(session: Session, query: WorkQuery): Promise<Work> {
  const { limit, nowMs, state } = query;
  if (state === "due") return await findDue(session, nowMs, limit);
  if (state === "abandoned") {
    const ids = toIds(await session.execute(statements.abandoned, [limit]));
    const { jobs } = await readJobs(session, ids);
    return { jobs: jobs.filter(({ status }) => status === "IN_PROGRESS"), nextRunAtMs: null };
  }
  const after = toBytes(query.afterId ?? firstId);
  const ids: string[] = [];
  for (const waiting of [states.pending, states.scheduled]) {
    ids.push(...toIds(await session.execute(statements.waiting, [waiting, after, limit])));
  }
  const { jobs } = await readJobs(session, ids.sort().slice(0, limit));
  return { jobs: jobs.filter(isWaiting), nextRunAtMs: null };
}

async function findDue(session: Session, nowMs: number, limit: number): Promise<Work> {
  const rows = await session.execute(statements.deferred, [limit + 1]);
  const due = rows.slice(0, limit).filter(([, dueAtMs]) => Number(dueAtMs) <= nowMs);
  const { jobs, readCount } = await readJobs(session, toIds(due));
  const next = rows[readCount];
  return {
    jobs: jobs.filter(({ status }) => status === "PENDING"),
    nextRunAtMs: next === undefined ? null : Number(next[1]),
  };
}

/** The `count` of the port. */
export async function countJobs(session: Session): Promise<JobCounts> {
  const counts = (await session.query(statements.counts)).map(([count]) => Number(count));
  return {
    byStatus: byStatus(counts),
    waiting: counts[states.pending]! + counts[states.scheduled]!,
  };
}

function toIds(rows: readonly (readonly Value[])[]): string[] {
  return rows.map(([id]) => toId(id as Buffer));
}

function toJson(ids: readonly string[]): string {
  return JSON.stringify(ids.map(toHex));
}
