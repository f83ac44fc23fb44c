// Which jobs a list is asked for, where a store looks at them one by one, and how much a page may hold. Used
// by repository drivers, so that they agree on what a text is part of.

import type { Job } from "../../src/jobs/job.ts";
import type { JobQuery } from "../../src/jobs/repository.ts";

/** What the filter looks at. */
export type Candidate = Pick<Job, "id" | "status" | "taskName" | "name" | "description">;

/** How many jobs one `list` looks at before it returns what it has found. */
export const maxCandidates = 10_000;

/** A page ends with the job that brings its {@link textLength} to this: 1000 large ones would fill the memory. */
export const maxPageTextLength: number = 16 * 1024 * 1024;

/** How long the texts of a job are, in UTF-16 units. */
export function textLength({ name, description, paramsJson, failureReason }: Job): number {
  return [name, description, paramsJson, failureReason]
    .reduce((sum, text) => sum + (text?.length ?? 0), 0);
}

/** Makes the filter of a query; its page is not the filter's affair. */
export function createJobFilter({ status, taskName, text }: JobQuery): (job: Candidate) => boolean {
  const part = text?.toLowerCase();
  return (job) =>
    (status === undefined || job.status === status) &&
    (taskName === undefined || job.taskName === taskName) &&
    (part === undefined || hasPart(job.name, part) || hasPart(job.description, part));
}

function hasPart(text: string | undefined, lowerCasePart: string): boolean {
  return text !== undefined && text.toLowerCase().includes(lowerCasePart);
}
