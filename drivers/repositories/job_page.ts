// How a `list` finds its jobs: which match, how much a page holds, and when the search for them ends. Used
// by repository drivers, so that they agree on it.

import type { Job } from "../../src/jobs/job.ts";
import type { JobPage, JobQuery } from "../../src/jobs/repository.ts";
import { SlicedWork } from "../../src/jobs/sliced_work.ts";

/** A page ends with the job that brings its {@link textLength} to this: 1000 large ones would fill the memory. */
export const maxPageTextLength: number = 4 * 1024 * 1024;

/** How long the texts of a job are, in UTF-16 units. */
export function textLength({ name, description, paramsJson, failureReason }: Job): number {
  return [name, description, paramsJson, failureReason]
    .reduce((sum, text) => sum + (text?.length ?? 0), 0);
}

/** Collects the jobs of one page. */
export class JobPageBuilder {
  readonly #limit: number;
  readonly #jobs: Job[] = [];
  #textLength = 0;

  constructor({ limit }: JobQuery) {
    this.#limit = limit;
  }

  /** Whether the next job belongs on the next page. */
  get isFull(): boolean {
    return this.#jobs.length === this.#limit || this.#textLength >= maxPageTextLength;
  }

  /** Adds a job to a page that is not full. */
  add(job: Job): void {
    this.#jobs.push(job);
    this.#textLength += textLength(job);
  }

  /** The page; the next one begins after that id, or null: there is none. */
  end(nextBeforeId: string | null): JobPage {
    return { jobs: this.#jobs, nextBeforeId };
  }
}

/**
 * The `list` of a store that answers without waiting: looks at candidates in slices, newest first.
 *
 * @param candidatesBefore The jobs among which the matches are, from the first before that id on; null stands
 * for one that is known not to match. Read for a moment only: the store may change between two calls.
 */
export async function readPage(
  query: JobQuery,
  candidatesBefore: (
    beforeId: string | undefined,
  ) => Iterable<{ readonly id: string; readonly job: Job | null }>,
): Promise<JobPage> {
  const matches = createJobFilter(query);
  const page = new JobPageBuilder(query);
  const work = new SlicedWork(query.maxMs);
  let { beforeId } = query;
  for (;;) {
    if (work.state === "long") await work.pause();
    let state: SlicedWork["state"] = "on";
    for (const { id, job } of candidatesBefore(beforeId)) {
      if (job !== null && matches(job)) {
        // Only one more match makes a next page, so that the last page is known to be the last.
        if (page.isFull) return page.end(beforeId!);
        page.add(job);
      }
      beforeId = id;
      state = work.state;
      if (state !== "on") break;
    }
    if (state === "on") return page.end(null);
    // A page that is full does not wait long for that.
    if (state === "over" || page.isFull) return page.end(beforeId!);
  }
}

/** Makes the filter of a query; its page is not the filter's affair. */
export function createJobFilter({ status, taskName, text }: JobQuery): (job: Job) => boolean {
  const part = text?.toLowerCase();
  return (job) =>
    (status === undefined || job.status === status) &&
    (taskName === undefined || job.taskName === taskName) &&
    (part === undefined || hasPart(job.name, part) || hasPart(job.description, part));
}

function hasPart(text: string | undefined, lowerCasePart: string): boolean {
  return text !== undefined && text.toLowerCase().includes(lowerCasePart);
}

/** Longer ones find little less, and SQLite refuses those of 50,000 bytes. */
const maxPatternCharacters = 100;

/**
 * A LIKE pattern, with `\` as escape, that finds all texts in which the filter finds this part, and maybe
 * some more; undefined: there is none. For a LIKE that takes the ASCII letters of both cases for the same,
 * and every other character at least for itself.
 */
export function likePattern(part: string): string | undefined {
  let longest: string[] = [];
  let run: string[] = [];
  for (const character of part.toLowerCase()) {
    if (hasCaseBeyondAscii(character)) run = [];
    // The Kelvin sign and the dotted capital I are these two to the filter, but not to every LIKE.
    else if (character !== "k" && character !== "i") run.push(character.replace(/[\\%_]/, "\\$&"));
    // A pattern that begins with a wildcard is slow.
    else if (run.length > 0) run.push("_");
    if (run.length > longest.length) longest = [...run];
    if (longest.length === maxPatternCharacters) break;
  }
  return longest.length === 0 ? undefined : `%${longest.join("")}%`;
}

/** Also for the dot that the filter makes of a dotted capital I. */
function hasCaseBeyondAscii(character: string): boolean {
  if (character < "\u0080") return false;
  return character === "\u0307" || character !== character.toUpperCase() ||
    character !== character.toLowerCase();
}
