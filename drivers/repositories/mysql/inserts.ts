// Inserts jobs, those of concurrent calls in common statements. Used by repository.ts.

import { Buffer } from "node:buffer";
import { isUnavailable, ValetError } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { tooLargeError } from "./errors.ts";
import { type Call, createGroups } from "./groups.ts";
import { insertStatement } from "./hot_statements.ts";
import { toHex } from "./ids.ts";
import { toJob, toRow } from "./rows.ts";
import { statements } from "./statements.ts";
import { dueAtMsOf } from "./states.ts";
import type { MysqlServer } from "./server.ts";

/** Rows of one statement: more save little, and each number of rows is a statement of its own to prepare. */
const maxRows = 64;
/** Two share the two steps of an insert, one sending while the other commits; more would make groups smaller. */
const maxUnderWay = 2;
/** What a row takes beside its texts, with room to spare. */
const rowBytes = 400;

/** The `insert` of the port. */
export function createInsert(server: MysqlServer): (jobs: readonly Job[]) => Promise<void> {
  const insertGroup = createGroups<readonly Job[], void>({
    maxUnderWay,
    maxWeight: maxRows,
    weigh: (jobs) => {
      const bytes = jobs.reduce((sum, job) => sum + maxBytesOf(job), 0);
      return Math.max(jobs.length, maxRows * bytes / server.maxPacketBytes);
    },
    run: (calls) => runInserts(server, calls),
  });
  return async (jobs) => {
    if (jobs.length === 0) return;
    try {
      await insertGroup(jobs);
    } catch (thrown) {
      // The server may have a smaller limit now: then this says by how much that is too little.
      split(jobs, server.maxPacketBytes);
      throw thrown;
    }
  };
}

async function runInserts(
  server: MysqlServer,
  calls: readonly Call<readonly Job[], void>[],
): Promise<void> {
  try {
    await insertJobs(server, calls.flatMap(({ input }) => input));
    for (const call of calls) call.resolve();
  } catch (thrown) {
    if (calls.length === 1 || isUnavailable(thrown)) throw thrown;
    // One of them cannot be stored: that must not harm the others.
    for (const call of calls) await insertJobs(server, call.input).then(call.resolve, call.reject);
  }
}

async function insertJobs(server: MysqlServer, jobs: readonly Job[]): Promise<void> {
  const parts = split(jobs, server.maxPacketBytes);
  let tries = 0;
  try {
    if (parts.length === 1) {
      await server.use((session) => {
        tries++;
        return session.write(insertStatement(jobs.length), toValues(jobs));
      }, { isRepeatable: true });
      return;
    }
    await server.transact(async (session) => {
      tries++;
      for (const part of parts) await session.write(insertStatement(part.length), toValues(part));
    }, { isRepeatable: true });
  } catch (thrown) {
    if (!(thrown instanceof ValetError) || thrown.code !== "already_exists") throw thrown;
    const stored = await findStored(server, jobs);
    // The answer of the first try was lost: what it inserted is no conflict.
    if (tries > 1 && jobs.every((job) => isSame(job, stored.get(job.id)))) return;
    const seen = new Set(stored.keys());
    const taken = jobs.find(({ id }) => seen.size === seen.add(id).size);
    throw new ValetError(
      "already_exists",
      `Cannot insert job ${taken?.id}: a job of that id is stored; each id is allowed once`,
      { cause: thrown },
    );
  }
}

/** Parts that are small enough for a statement. */
function split(jobs: readonly Job[], maxPacketBytes: number): Job[][] {
  const parts: Job[][] = [[]];
  let bytes = 0;
  for (const job of jobs) {
    if (toHex(job.id) === "") {
      throw new ValetError("invalid_argument", `Cannot insert job ${job.id}: its id is no UUID`);
    }
    let jobBytes = maxBytesOf(job);
    if (jobBytes > maxPacketBytes) {
      jobBytes = bytesOf(job);
      if (jobBytes > maxPacketBytes) {
        throw tooLargeError(`job ${job.id}`, jobBytes, maxPacketBytes);
      }
    }
    bytes += jobBytes;
    const part = parts.at(-1)!;
    if (part.length > 0 && (part.length === maxRows || bytes > maxPacketBytes)) {
      parts.push([job]);
      bytes = jobBytes;
    } else part.push(job);
  }
  return parts;
}

function textsOf({ taskName, name, description, paramsJson, failureReason }: Job): string[] {
  return [taskName, name, description ?? "", paramsJson ?? "", failureReason ?? ""];
}

/** Never less than {@link bytesOf}, and cheap. */
function maxBytesOf(job: Job): number {
  return textsOf(job).reduce((sum, text) => sum + 3 * text.length, rowBytes);
}

function bytesOf(job: Job): number {
  return textsOf(job).reduce((sum, text) => sum + Buffer.byteLength(text), rowBytes);
}

function toValues(jobs: readonly Job[]) {
  return jobs.flatMap((job) => [...toRow(job), dueAtMsOf(job)]);
}

async function findStored(
  server: MysqlServer,
  jobs: readonly Job[],
): Promise<Map<string, Job>> {
  const ids = JSON.stringify(jobs.map(({ id }) => toHex(id)));
  const rows = await server.use((session) => session.execute(statements.jobs, [ids]), {
    isRepeatable: true,
  });
  return new Map(rows.map(toJob).map((job) => [job.id, job]));
}

/** Whether a stored job is this one, whatever has become of it since. */
function isSame(job: Job, stored: Job | undefined): boolean {
  return stored !== undefined && stored.createdAtMs === job.createdAtMs &&
    stored.taskName === job.taskName && stored.paramsJson === job.paramsJson &&
    stored.runAtMs === job.runAtMs && stored.timeoutMs === job.timeoutMs;
}
