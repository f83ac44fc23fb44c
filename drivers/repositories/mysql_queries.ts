// Reads pages of jobs, the work there is, and how much. Called by mysql.ts; each query looks at a bounded
// number of rows by an index, and reads whole jobs only once it knows which.

import { isWaiting, type Job } from "../../src/job.ts";
import type { JobCounts, JobPage, JobQuery, Work, WorkQuery } from "../../src/repository.ts";
import { toBytes, toHex, toId } from "./mysql_ids.ts";
import { toJob, type Value } from "./mysql_rows.ts";
import { statements } from "./mysql_statements.ts";
import { byStatus, states, statesOf } from "./mysql_states.ts";
import type { Session } from "./mysql_server.ts";

/** How many jobs one `list` looks at before it returns what it has found, and in what steps. */
const maxCandidates = 10_000;
const candidateStep = 1_000;

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
  for (;;) {
    const ids = await findCandidates(session, query, beforeId, step);
    const matches = isSearch ? await search(session, ids, query) : undefined;
    for (const id of ids) {
      const isMatch = matches?.has(id) ?? true;
      const isFull = isMatch && found.length === limit;
      if (isFull || candidateCount++ === maxCandidates) {
        return { jobs: await readMatches(session, found, query), nextBeforeId: beforeId };
      }
      if (isMatch) found.push(id);
      beforeId = id;
    }
    if (ids.length < step) {
      return { jobs: await readMatches(session, found, query), nextBeforeId: null };
    }
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
  const matching = rows.filter(([, state, taskName, name, description]) =>
    isMatch(query, state as number, taskName as string, [name, description])
  );
  return new Set(toIds(matching));
}

/** The jobs in the order of the ids; one that was deleted or changed meanwhile may be missing. */
async function readMatches(
  session: Session,
  ids: readonly string[],
  query: JobQuery,
): Promise<Job[]> {
  return (await readJobs(session, ids)).filter((job) =>
    isMatch({ ...query, text: undefined }, undefined, job.taskName, []) &&
    (query.status === undefined || job.status === query.status)
  );
}

/** In JavaScript, so that all stores agree on what is upper case. */
function isMatch(
  { status, taskName, text }: JobQuery,
  state: number | undefined,
  itsTaskName: string,
  texts: readonly (Value | undefined)[],
): boolean {
  if (taskName !== undefined && itsTaskName !== taskName) return false;
  if (status !== undefined && state !== undefined && !statesOf(status).includes(state)) {
    return false;
  }
  const part = text?.toLowerCase();
  return part === undefined ||
    texts.some((value) => typeof value === "string" && value.toLowerCase().includes(part));
}

async function readJobs(session: Session, ids: readonly string[]): Promise<Job[]> {
  if (ids.length === 0) return [];
  const rows = await session.execute(statements.jobs, [toJson(ids)]);
  const jobs = new Map(rows.map(toJob).map((job) => [job.id, job]));
  return ids.map((id) => jobs.get(id)).filter((job) => job !== undefined);
}

/** The `find` of the port. */
export async function findWork(session: Session, query: WorkQuery): Promise<Work> {
  const { limit, nowMs, state } = query;
  if (state === "due") return await findDue(session, nowMs, limit);
  if (state === "abandoned") {
    const rows = await session.execute(statements.abandoned, [limit]);
    return { jobs: rows.map(toJob), nextRunAtMs: null };
  }
  const after = toBytes(query.afterId ?? firstId);
  const ids: string[] = [];
  for (const waiting of [states.pending, states.scheduled]) {
    ids.push(...toIds(await session.execute(statements.waiting, [waiting, after, limit])));
  }
  const jobs = await readJobs(session, ids.sort().slice(0, limit));
  return { jobs: jobs.filter(isWaiting), nextRunAtMs: null };
}

async function findDue(session: Session, nowMs: number, limit: number): Promise<Work> {
  const rows = await session.execute(statements.deferred, [limit + 1]);
  const due = rows.slice(0, limit).filter(([, dueAtMs]) => Number(dueAtMs) <= nowMs);
  const next = rows[due.length];
  const jobs = await readJobs(session, toIds(due));
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
  return rows.map(([id]) => toId(id as Parameters<typeof toId>[0]));
}

function toJson(ids: readonly string[]): string {
  return JSON.stringify(ids.map(toHex));
}
