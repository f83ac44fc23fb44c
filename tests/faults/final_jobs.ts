// Waits until nodes have nothing left to do, and reads what has become of every job, over HTTP.

import type { FinalJob } from "../testing/job_history.ts";
import type { RunJournal } from "../testing/run_journal.ts";
import type { ValetNode } from "../testing/valet_node.ts";

/** Nothing has ended for this long: what is not finished is stuck. */
const stuckAfterMs = 30_000;
const pageSize = 1_000;
/** Results that are asked for at a time. */
const batchSize = 32;

/** Waits until no job is unfinished; returns without a word where nothing moves any more. */
export async function waitUntilFinished(
  node: ValetNode,
  journal: RunJournal,
  isEnough: () => boolean,
): Promise<void> {
  let lastState = "";
  let lastMoveAtMs = Date.now();
  while (Date.now() - lastMoveAtMs < stuckAfterMs) {
    const counts = await countUnfinished(node);
    journal.read();
    if (counts === 0 && isEnough()) return;
    const state = `${counts} ${journal.runs.length} ${journal.endedIds.size}`;
    if (state !== lastState) lastMoveAtMs = Date.now();
    lastState = state;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Every job that the node knows, by id, with what its task returned. */
export async function readFinalJobs(node: ValetNode): Promise<Map<string, FinalJob>> {
  const jobs = new Map<string, FinalJob>();
  for (let cursor = ""; cursor !== undefined;) {
    const page = await getJson(node, `/jobs?limit=${pageSize}${cursor}`) as {
      jobs: FinalJob[];
      next_cursor?: string;
    };
    for (let i = 0; i < page.jobs.length; i += batchSize) {
      const batch = page.jobs.slice(i, i + batchSize);
      const complete = await Promise.all(batch.map((job) => withResult(node, job)));
      for (const job of complete) jobs.set(job.id, job);
    }
    if (!page.next_cursor) break;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
  return jobs;
}

async function withResult(node: ValetNode, job: FinalJob): Promise<FinalJob> {
  if (job.status !== "COMPLETED") return job;
  const { metadata } = await getJson(node, `/jobs/${job.id}/results`) as {
    metadata: NonNullable<FinalJob["result"]>;
  };
  return { ...job, result: metadata };
}

/** How many jobs have not finished; undefined: the node cannot tell now. */
async function countUnfinished(node: ValetNode): Promise<number | undefined> {
  const { repository } = await getJson(node, "/status") as {
    repository: { jobs?: Record<string, number> };
  };
  const { jobs } = repository;
  if (jobs === undefined) return undefined;
  return jobs["PENDING"]! + jobs["SCHEDULED"]! + jobs["IN_PROGRESS"]!;
}

async function getJson(node: ValetNode, path: string): Promise<unknown> {
  const response = await fetch(node.baseUrl + path, { signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  throw new Error(`${node.name} answered GET ${path} with ${response.status}: ${text}`);
}
