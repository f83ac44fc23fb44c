// Finishes jobs, those of concurrent calls in common statements. Used by changes.ts.

import { Buffer } from "node:buffer";
import { isUnavailable } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { applyChange, type Change, resultAfter } from "../../../src/jobs/job_change.ts";
import { tooLargeError } from "./errors.ts";
import { type Batch, type Call, createGroups } from "./groups.ts";
import { finishStatement } from "./hot_statements.ts";
import { padToPowerOfTwo, toBytes } from "./ids.ts";
import { states } from "./states.ts";
import type { MysqlServer } from "./server.ts";

type Finish = Extract<Change, { readonly kind: "finish" }>;
type Answers = readonly (Job | null)[];

/** A finish as its job will be. */
interface Row {
  readonly job: Job;
  readonly text: string | null;
  /** What all rows of a statement have in common. */
  readonly terms: string;
}

/** Jobs of one statement: for each of them the server looks through half of them. */
const maxRows = 128;
/** Enough to keep the server busy; more would make groups smaller. */
const maxUnderWay = 2;
/** What a row takes beside its text: its id twice, three numbers, what describes them. */
const rowBytes = 200;

/**
 * Applies finishes.
 *
 * @param applyOneByOne Applies a batch by the rules, whatever has become of its jobs.
 */
export function createFinish(
  server: MysqlServer,
  applyOneByOne: (batch: Batch<Finish>) => Promise<Answers>,
): (batch: Batch<Finish>) => Promise<Answers> {
  const finish = createGroups<Batch<Finish>, Answers>({
    maxUnderWay,
    maxWeight: maxRows,
    weigh: ({ changes }) => changes.length,
    run: (calls) => runFinishes(server, calls, applyOneByOne),
  });
  return async (batch) => {
    const assertAllFit = () => {
      for (const change of batch.changes) assertFits(change, server.maxPacketBytes);
    };
    // Before it is in a group: it must fail no other call.
    assertAllFit();
    try {
      return await finish(batch);
    } catch (thrown) {
      // The server may have a smaller limit now: then this says by how much that is too little.
      assertAllFit();
      throw thrown;
    }
  };
}

function assertFits({ held, outcome }: Finish, maxPacketBytes: number): void {
  const text = outcome.resultJson ?? outcome.failureReason ?? "";
  if (rowBytes + text.length * 3 <= maxPacketBytes) return;
  const bytes = rowBytes + Buffer.byteLength(text);
  if (bytes <= maxPacketBytes) return;
  throw tooLargeError(`what job ${held.id} ended with`, bytes, maxPacketBytes);
}

async function runFinishes(
  server: MysqlServer,
  calls: readonly Call<Batch<Finish>, Answers>[],
  applyOneByOne: (batch: Batch<Finish>) => Promise<Answers>,
): Promise<void> {
  try {
    await finishTogether(server, calls, applyOneByOne);
  } catch (thrown) {
    if (calls.length === 1 || isUnavailable(thrown)) throw thrown;
    // One of them cannot be stored: that must not harm the others. What is stored already fits again.
    for (const call of calls) {
      await finishTogether(server, [call], applyOneByOne).catch(call.reject);
    }
  }
}

/** Without a look at the jobs: usually all of them are as their holders left them. */
async function finishTogether(
  server: MysqlServer,
  calls: readonly Call<Batch<Finish>, Answers>[],
  applyOneByOne: (batch: Batch<Finish>) => Promise<Answers>,
): Promise<void> {
  const answers = calls.map(({ input: { changes, nowMs } }) =>
    changes.map((change) => applyChange(change.held, change, nowMs))
  );
  const rows = calls.flatMap(({ input: { changes } }, i) =>
    changes.map((change, k) => toRow(change, answers[i]![k] ?? null))
  );
  let count = 0;
  for (const part of split(rows.filter((row) => row !== null), server.maxPacketBytes)) {
    count += await finishRows(server, part);
  }
  for (const [i, { input, resolve, reject }] of calls.entries()) {
    if (count === rows.length) resolve(answers[i]!);
    // Which of them did not fit? Those that did fit again.
    else await applyOneByOne(input).then(resolve, reject);
  }
}

/** Null where the statement does not say all that becomes of the job. */
function toRow(change: Finish, job: Job | null): Row | null {
  if (job === null || change.held.status !== "IN_PROGRESS") return null;
  const { metadataJson, error } = resultAfter(change, job)!;
  if ((job.status === "COMPLETED" ? error : metadataJson) !== undefined) return null;
  const text = (job.status === "COMPLETED" ? metadataJson : error) ?? null;
  return { job, text, terms: `${job.status} ${job.fence}` };
}

/** Rows of one statement each, in the order of the ids, so that all who change jobs lock them in that order. */
function split(rows: readonly Row[], maxPacketBytes: number): Row[][] {
  const parts: Row[][] = [];
  const open = new Map<string, { rows: Row[]; bytes: number }>();
  for (const row of rows.toSorted((one, other) => one.job.id < other.job.id ? -1 : 1)) {
    const bytes = rowBytes + (row.text?.length ?? 0) * 3;
    let part = open.get(row.terms);
    if (
      part === undefined || part.rows.length === maxRows || part.bytes + bytes > maxPacketBytes
    ) {
      part = { rows: [], bytes: 0 };
      open.set(row.terms, part);
      parts.push(part.rows);
    }
    part.rows.push(row);
    part.bytes += bytes;
  }
  return parts;
}

async function finishRows(server: MysqlServer, part: readonly Row[]): Promise<number> {
  const rows = padToPowerOfTwo([...part]);
  const ids = rows.map(({ job }) => toBytes(job.id));
  const texts = (column: (row: Row) => number | string | null) =>
    rows.map((row) => column(row)?.toString() ?? null);
  const { fence, status } = rows[0]!.job;
  const statement = status === "COMPLETED"
    ? finishStatement(states.completed, "result", rows.length)
    : finishStatement(states.failed, "failure_reason", rows.length);
  return await server.use((session) =>
    session.write(statement, [
      ...ids,
      ...texts(({ job }) => job.startedAtMs!),
      ...texts(({ job }) => job.completedAtMs!),
      ...texts(({ job }) => job.durationMs!),
      ...texts(({ text }) => text),
      ...ids,
      fence,
    ]), { isRepeatable: true });
}
