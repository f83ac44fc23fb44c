// Answers GET /jobs. A page may be large and its search long: the number of pages under way is bounded, and the
// JSON of each is made in slices, between which other requests are answered.

import { ValetError } from "../errors.ts";
import type { Job } from "../jobs/job.ts";
import type { JsonObject } from "../jobs/request_check.ts";
import type { JobPage, JobService } from "../jobs/service.ts";
import { SlicedWork } from "../jobs/sliced_work.ts";
import type { Answer } from "./answer.ts";
import { jobJson } from "./job_json.ts";

/** Pages under way at once: each holds up to 4 MiB of jobs and their JSON. Further ones wait. */
const maxPages = 16;
/** Searches among these pages, so that lists without a search do not wait for long. Further ones are refused. */
const maxSearches = 12;

const encoder = new TextEncoder();

/** Makes the handler of GET /jobs. `unitMs`: the milliseconds of one unit of `timeout`. */
export function createJobList(
  service: Pick<JobService, "list">,
  unitMs: number,
): (input: JsonObject) => Promise<Answer> {
  let pageCount = 0;
  let searchCount = 0;
  const line: (() => void)[] = [];

  async function answer(input: JsonObject): Promise<Answer> {
    if (pageCount === maxPages) await new Promise<void>((resolve) => line.push(resolve));
    else pageCount += 1;
    try {
      return { status: 200, json: await pageJson(await service.list(input), unitMs) };
    } finally {
      const next = line.shift();
      // The place goes to the first in the line.
      if (next === undefined) pageCount -= 1;
      else next();
    }
  }

  return async (input) => {
    if (!isSearch(input)) return await answer(input);
    if (searchCount === maxSearches) throw overloaded();
    searchCount += 1;
    try {
      return await answer(input);
    } finally {
      searchCount -= 1;
    }
  };
}

/** Whether no index finds the jobs: there is one for the status and one for the task, none for both. */
function isSearch({ q, status, task_name }: JsonObject): boolean {
  return Boolean(q) || Boolean(status && task_name);
}

function overloaded(): ValetError {
  const message = `Cannot search the jobs: ${maxSearches} searches are under way, which is the ` +
    "most at once; try again later";
  return new ValetError("overloaded", message);
}

/** The JSON of a page. An empty one is the last one, unless it says `more`. */
async function pageJson(
  { jobs, nextCursor }: JobPage,
  unitMs: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const next = nextCursor === undefined ? "" : `,"next_cursor":"${nextCursor}"`;
  const more = nextCursor !== undefined && jobs.length === 0 ? ',"more":true' : "";
  const parts = await encodeJobs(jobs, unitMs);
  parts.unshift(encoder.encode('{"jobs":['));
  parts.push(encoder.encode(`]${next}${more}}`));
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes;
}

async function encodeJobs(jobs: readonly Job[], unitMs: number): Promise<Uint8Array[]> {
  const work = new SlicedWork();
  const parts: Uint8Array[] = [];
  for (const job of jobs) {
    if (work.state === "long") await work.pause();
    const comma = parts.length === 0 ? "" : ",";
    parts.push(encoder.encode(comma + jobJson(job, unitMs)));
  }
  return parts;
}
