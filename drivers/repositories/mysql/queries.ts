// Reads pages of jobs, the work there is, and how much. Called by repository.ts; each query looks at a bounded
// number of rows by an index, and reads whole jobs only once it knows which.

import type { Buffer } from "node:buffer";
import { isWaiting, type Job } from "../../../src/jobs/job.ts";
import type {
  JobCounts,
  JobPage,
  JobQuery,
  Work,
  WorkQuery,
} from "../../../src/jobs/repository.ts";
import { createJobFilter, maxCandidates, maxPageTextLength, textLength } from "../job_filter.ts";
import { toBytes, toHex, toId } from "./ids.ts";
import { toJob, type Value } from "./rows.ts";
import { statements } from "./statements.ts";
import { byStatus, states, statesOf, statusOf } from "./states.ts";
import type { Session } from "./server.ts";

/** So many of the jobs that a `list` looks at are in memory at a time. */
const candidateStep = 250;
/** Whole jobs are read so many at a time, first and at most: nobody knows before how large they are. */
const firstReadCount = 16;
const maxReadCount = 64;

const firstId = "00000000-0000-0000-0000-000000000000";
const lastId = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** The `list` of the port. */
export async function listJobs(session: Session, query: JobQuery): Promise<JobPage> {
  const { limit, status, taskName, text } = query;
  // An index finds the jobs of a status or of a task; everything else takes a look at them.
  const isSearch = text !== undefined || (status !== undefined && taskName !== undefined);
  const step = isSearch ? candidateStep : limit + 1;
  const found: string[] = [];
  let candidateCount = 0;
  let beforeId = query.beforeId ?? lastId;
  const readPage = async (nextBeforeId: string | null): Promise<JobPage> => {
    const { jobs, readCount } = await readJobs(session, found);
    return {
      jobs: jobs.filter(createJobFilter({ ...query, text: undefined })),
      nextBeforeId: readCount < found.length ? found[readCount - 1]! : nextBeforeId,
    };
  };
  for (;;) {
    const ids = await findCandidates(session, query, beforeId, step);
    const matches = isSearch ? await search(session, ids, query) : undefined;
    for (const id of ids) {
      const isMatch = matches?.has(id) ?? true;
      const isFull = isMatch && found.length === limit;
      if (isFull || candidateCount++ === maxCandidates) return await readPage(beforeId);
      if (isMatch) found.push(id);
      beforeId = id;
    }
    if (ids.length < step) return await readPage(null);
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

async function search(
  session: Session,
  ids: readonly string[],
  query: JobQuery,
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await session.execute(statements.searchedJobs, [toJson(ids)]);
  const matches = createJobFilter(query);
  const matching = rows.filter(([id, state, taskName, name, description]) =>
    matches({
      id: toId(id as Buffer),
      status: statusOf(state as number),
      taskName: taskName as string,
      name: name as string,
      description: description as string ?? undefined,
    })
  );
  return new Set(toIds(matching));
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
    const rows = await session.execute(statements.jobs, [toJson(part)]);
    const stored = new Map(rows.map(toJob).map((job) => [job.id, job]));
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
