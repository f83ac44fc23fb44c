// Applies changes: claims and finishes by conditional statements, everything else by applyChange on rows
// that are locked. Used by repository.ts; the rules are those of src/jobs/job_change.ts.

import { Buffer } from "node:buffer";
import type { Job } from "../../../src/jobs/job.ts";
import { applyChange, type Change, changedId, resultAfter } from "../../../src/jobs/job_change.ts";
import { createClaim } from "./claims.ts";
import { createFinish } from "./finishes.ts";
import type { Batch } from "./groups.ts";
import { toBytes, toHex } from "./ids.ts";
import { optionalMs, toJob, type Value } from "./rows.ts";
import { changeColumns, maxShortText, statements } from "./statements.ts";
import { dueAtMsOf, stateOf } from "./states.ts";
import { tooLargeError } from "./errors.ts";
import type { MysqlServer, Session } from "./server.ts";

type ChangeOf<Kind extends Change["kind"]> = Extract<Change, { readonly kind: Kind }>;
type Answers = readonly (Job | null)[];

/** Changes of one transaction. */
const maxRows = 512;
/** What a statement takes beside its rows. */
const statementBytes = 1024;

/** The `change` of the port. */
export function createChange(
  server: MysqlServer,
): (changes: readonly Change[], nowMs: number) => Promise<Answers> {
  const claim = createClaim(server);
  const finish = createFinish(server, (batch) => changeLocked(server, batch, true));

  return async (changes, nowMs) => {
    const answers: (Job | null)[] = Array(changes.length).fill(null);
    const part = async <Kind extends Change["kind"]>(
      kinds: readonly Kind[],
      apply: (batch: Batch<ChangeOf<Kind>>) => Promise<Answers>,
    ) => {
      const positions: number[] = [];
      const own: ChangeOf<Kind>[] = [];
      for (const [i, change] of changes.entries()) {
        if (!kinds.some((kind) => kind === change.kind)) continue;
        positions.push(i);
        own.push(change as ChangeOf<Kind>);
      }
      if (own.length === 0) return;
      const applied = await apply({ changes: own, nowMs });
      for (const [i, position] of positions.entries()) answers[position] = applied[i]!;
    };
    await Promise.all([
      part(["claim"], claim),
      part(["finish"], finish),
      part(["edit"], (batch) => editJobs(server, batch)),
      part(["renew", "give_back"], (batch) => changeLocked(server, batch, true)),
      // Repeated after a lost answer they would seem not to fit.
      part(["schedule", "refuse", "rescue"], (batch) => changeLocked(server, batch, false)),
    ]);
    return answers;
  };
}

/** The rules of `applyChange`, on jobs that nobody else can change meanwhile. */
async function changeLocked(
  server: MysqlServer,
  { changes, nowMs }: Batch,
  isRepeatable: boolean,
): Promise<Answers> {
  const answers: (Job | null)[] = [];
  for (let start = 0; start < changes.length; start += maxRows) {
    const part = changes.slice(start, start + maxRows);
    answers.push(
      ...await server.transact(
        (session) => changePart(session, part, nowMs, server.maxPacketBytes),
        { isRepeatable },
      ),
    );
  }
  return answers;
}

async function changePart(
  session: Session,
  changes: readonly Change[],
  nowMs: number,
  maxPacketBytes: number,
): Promise<Answers> {
  const ids = [...new Set(changes.map(changedId))].sort();
  const stored = new Map<string, { job: Job; isLeaseOver: boolean }>();
  const lockedRows = await session.execute(statements.lockedJobs, [JSON.stringify(ids.map(toHex))]);
  for (const row of lockedRows) {
    const job = toJob(row);
    stored.set(job.id, { job, isLeaseOver: row.at(-1) === 1 });
  }
  const rows: ChangedRow[] = [];
  const answers = changes.map((change) => {
    const found = stored.get(changedId(change));
    if (found === undefined || change.kind === "rescue" && !found.isLeaseOver) return null;
    const job = applyChange(found.job, change, nowMs);
    // What fits again leaves the job, and its result, as they are.
    const isChanged = job !== null && (job !== found.job || change.kind === "renew");
    if (isChanged) rows.push({ change, job });
    return job;
  });
  for (const { isShort, json } of splitRows(rows.sort(byId), maxPacketBytes)) {
    const { changeWrite, changeWriteShort } = statements;
    await session.write(isShort ? changeWriteShort : changeWrite, [json]);
  }
  return answers;
}

async function editJobs(
  server: MysqlServer,
  { changes }: Batch<ChangeOf<"edit">>,
): Promise<Answers> {
  return await Promise.all(
    changes.map(({ id, name, description }) =>
      server.use(async (session) => {
        const bytes = toBytes(id);
        const isDescribed = description === undefined ? 0 : 1;
        const values = [name ?? null, isDescribed, description ?? null, bytes];
        await session.write(statements.edit, values);
        const [row] = await session.execute(statements.job, [bytes]);
        return row === undefined ? null : toJob(row);
      }, { isRepeatable: true })
    ),
  );
}

interface ChangedRow {
  readonly change: Change;
  readonly job: Job;
}

/** What a changed job has in each column that a change can write. */
const valueOf: Record<typeof changeColumns[number], (row: ChangedRow) => Value> = {
  id: ({ job }) => toHex(job.id),
  state: ({ job }) => stateOf(job),
  due_at_ms: ({ job }) => dueAtMsOf(job),
  scheduled_at_ms: ({ job }) => optionalMs(job.scheduledAtMs),
  started_at_ms: ({ job }) => optionalMs(job.startedAtMs),
  completed_at_ms: ({ job }) => optionalMs(job.completedAtMs),
  duration_ms: ({ job }) => optionalMs(job.durationMs),
  attempt: ({ job }) => job.attempt,
  crashes: ({ job }) => job.crashes,
  // JSON has no word for half a surrogate pair.
  failure_reason: ({ job }) => job.failureReason?.toWellFormed() ?? null,
  has_result: ({ change, job }) => resultAfter(change, job) === undefined ? null : 1,
  result: ({ change, job }) => resultAfter(change, job)?.metadataJson?.toWellFormed() ?? null,
  lease_us: ({ change }) => change.kind === "renew" ? Math.round(change.leaseMs * 1000) : null,
};

/** JSON arrays of rows, each of which fits in a packet. */
function splitRows(
  rows: readonly ChangedRow[],
  maxPacketBytes: number,
): { isShort: boolean; json: string }[] {
  const maxBytes = maxPacketBytes - statementBytes;
  const parts: { isShort: boolean; jsons: string[] }[] = [];
  let bytes = Infinity;
  for (const row of rows) {
    const values = changeColumns.map((column) => valueOf[column](row));
    const json = JSON.stringify(values);
    const jsonBytes = json.length * 3 > maxBytes ? Buffer.byteLength(json) : json.length * 3;
    if (jsonBytes > maxBytes) {
      throw tooLargeError(`what job ${row.job.id} ended with`, jsonBytes, maxPacketBytes);
    }
    bytes += jsonBytes;
    if (bytes > maxBytes) {
      parts.push({ isShort: true, jsons: [] });
      bytes = jsonBytes;
    }
    const part = parts.at(-1)!;
    part.jsons.push(json);
    part.isShort &&= values.every((value) =>
      typeof value !== "string" || value.length <= maxShortText
    );
  }
  return parts.map(({ isShort, jsons }) => ({ isShort, json: `[${jsons.join(",")}]` }));
}

function byId(one: ChangedRow, other: ChangedRow): number {
  return one.job.id < other.job.id ? -1 : one.job.id > other.job.id ? 1 : 0;
}
