// Claims jobs, those of concurrent calls in common statements. Used by changes.ts.

import type { Job } from "../../../src/jobs/job.ts";
import type { Change } from "../../../src/jobs/job_change.ts";
import { type Batch, type Call, createGroups } from "./groups.ts";
import { claimStatement } from "./hot_statements.ts";
import { padToPowerOfTwo, toBytes, toHex } from "./ids.ts";
import { toJob } from "./rows.ts";
import { statements } from "./statements.ts";
import type { MysqlServer } from "./server.ts";

type Claim = Extract<Change, { readonly kind: "claim" }>;
type Answers = readonly (Job | null)[];

/** Jobs of one statement, and of one group. */
const maxRows = 512;
/** Enough to keep the server busy; more would make groups smaller. */
const maxUnderWay = 2;

/** Applies claims. */
export function createClaim(server: MysqlServer): (batch: Batch<Claim>) => Promise<Answers> {
  return createGroups<Batch<Claim>, Answers>({
    maxUnderWay,
    maxWeight: maxRows,
    weigh: ({ changes }) => changes.length,
    run: (calls) => runClaims(server, calls),
  });
}

async function runClaims(
  server: MysqlServer,
  calls: readonly Call<Batch<Claim>, Answers>[],
): Promise<void> {
  // Each id once: of several claims the first one has the job.
  const seen = new Set<string>();
  const idsByTerms = new Map<string, string[]>();
  for (const { input: { changes, nowMs } } of calls) {
    for (const { id, leaseMs } of changes) {
      if (seen.size === seen.add(id).size) continue;
      const terms = `${nowMs} ${leaseMs}`;
      const ids = idsByTerms.get(terms);
      if (ids === undefined) idsByTerms.set(terms, [id]);
      else ids.push(id);
    }
  }
  const claimed = new Map<string, Job>();
  for (const [terms, ids] of idsByTerms) {
    const [nowMs, leaseMs] = terms.split(" ").map(Number) as [number, number];
    ids.sort();
    for (let start = 0; start < ids.length; start += maxRows) {
      const part = ids.slice(start, start + maxRows);
      for (const job of await claimIds(server, part, nowMs, leaseMs)) claimed.set(job.id, job);
    }
  }
  for (const { input, resolve } of calls) {
    resolve(input.changes.map(({ id }) => {
      const job = claimed.get(id) ?? null;
      claimed.delete(id);
      return job;
    }));
  }
}

async function claimIds(
  server: MysqlServer,
  ids: readonly string[],
  nowMs: number,
  leaseMs: number,
): Promise<readonly Job[]> {
  // Only who has the token knows which jobs this claim got, also if its answer is lost.
  const token = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
  const bytes = padToPowerOfTwo(ids.map(toBytes));
  const claim = claimStatement(bytes.length);
  const values = [nowMs, token, Math.round(leaseMs * 1000), ...bytes];
  const idsJson = JSON.stringify(ids.map(toHex));
  let tries = 0;
  return await server.use(async (session) => {
    tries++;
    const count = await session.write(claim, values);
    if (count === 0 && tries === 1) return [];
    return (await session.execute(statements.claimedJobs, [idsJson, token])).map(toJob);
  }, { isRepeatable: true });
}
