// The requests about jobs as Valibot schemas: every field once, with what is allowed and what it means.
// src/jobs/request.ts checks requests against them.

import * as v from "valibot";
import { didYouMean } from "../did_you_mean.ts";
import { parseDuration } from "../duration.ts";
import type { TaskDescription } from "../tasks/description.ts";
import { maxTimeoutMs } from "../tasks/task.ts";
import { readJobId } from "./id.ts";
import { type JobStatus, jobStatuses } from "./job.ts";
import { field, type RequestSchema, seen } from "./request_check.ts";
import { parseTimestamp } from "./timestamp.ts";

/** What PATCH /jobs/:id may change: an absent field stays as it is, null removes the description. */
export interface JobEdit {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
}

/** What GET /jobs may be asked for. */
export interface JobListFields {
  readonly status?: JobStatus | undefined;
  readonly task_name?: string | undefined;
  readonly q?: string | undefined;
  readonly limit: number;
  /** The id of the job that the page begins after. */
  readonly cursor?: string | null | undefined;
}

type Milliseconds = number;

/** What POST /jobs takes. */
export interface NewJobFields {
  readonly name?: string | null | undefined;
  readonly task_name: string;
  readonly description?: string | null | undefined;
  readonly task_params?: object | null | undefined;
  readonly metadata?: object | null | undefined;
  readonly timeout?: Milliseconds | null | undefined;
  /** Since the Unix epoch. */
  readonly run_at?: Milliseconds | null | undefined;
  readonly id?: string | undefined;
}

const maxNameLength = 255;
/** What a TEXT column of MySQL holds. */
const maxDescriptionBytes = 65_535;
const maxNamedTasks = 20;
const defaultPageLimit = 100;
const maxPageLimit = 1000;

// MySQL would store another text.
const wellFormed = v.check<string, string>(
  (text) => text.isWellFormed(),
  "has half of a surrogate pair, which is no character",
);

const name = field(
  `a text of 1 to ${maxNameLength} characters is allowed`,
  v.pipe(v.string(), v.minLength(1), v.check((text) => hasAtMost(text, maxNameLength)), wellFormed),
);

const description = field(
  `a text of at most ${maxDescriptionBytes} bytes is allowed`,
  v.pipe(v.string(), v.check((text) => isShort(text, maxDescriptionBytes)), wellFormed),
);

const params = field("an object is allowed", v.custom<object>(isObject));

const runAtExample = "2022-06-06T15:04:05.999Z";
const runAt = field(
  `a text such as ${runAtExample} is allowed`,
  v.pipe(
    v.string(),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      const runAtMs = parseTimestamp(value);
      if (typeof runAtMs === "number") return runAtMs;
      const allowed = `an RFC 3339 time such as ${runAtExample} is allowed`;
      addIssue({ message: `is ${seen(value)}: ${runAtMs}; ${allowed}` });
      return NEVER;
    }),
  ),
);

/** The body of PATCH /jobs/:id. */
export const jobEdit: RequestSchema<JobEdit> = v.strictObject({
  name: v.optional(v.pipe(name, v.description("What people call the job."))),
  description: v.nullish(v.pipe(description, v.description("null removes it."))),
});

/** The query string of GET /jobs. */
export const jobListQuery: RequestSchema<JobListFields> = v.strictObject({
  status: v.optional(field(`${jobStatuses.join(", ")} are allowed`, v.picklist(jobStatuses))),
  task_name: v.optional(field("a text is allowed", v.string())),
  q: v.optional(v.pipe(
    // To find a long one in a long description can take half a second.
    field(
      `a text of at most ${maxNameLength} characters is allowed`,
      v.pipe(v.string(), v.check((text) => hasAtMost(text, maxNameLength))),
    ),
    v.description("A part of the name or the description; case is ignored."),
  )),
  limit: v.optional(
    field(
      `an integer of 1 to ${maxPageLimit} is allowed`,
      v.pipe(v.string(), v.check(isPageLimit), v.transform(Number)),
    ),
    String(defaultPageLimit),
  ),
  cursor: v.optional(field(
    "the next_cursor of a page before is allowed",
    v.pipe(v.string(), v.check((text) => decodeCursor(text) !== null), v.transform(decodeCursor)),
  )),
});

/**
 * The body of POST /jobs. `null` for an optional field means that it is not given.
 *
 * @param unitMs the milliseconds of one unit of `timeout`.
 */
export function newJobSchema(
  tasks: ReadonlyMap<string, TaskDescription>,
  unitMs: number,
): RequestSchema<NewJobFields> {
  const maxTimeout = maxTimeoutMs / unitMs;
  const unit = unitMs === 1 ? "milliseconds" : "seconds";
  return v.strictObject({
    name: v.nullish(v.pipe(name, v.description("What people call the job; absent: the task."))),
    task_name: v.picklist([...tasks.keys()], ({ input }) => {
      const names = [...tasks.keys()].slice(0, maxNamedTasks).map(seen).join(", ");
      const more = tasks.size > maxNamedTasks ? ` and ${tasks.size - maxNamedTasks} more` : "";
      const guess = typeof input === "string" ? didYouMean(input, tasks.keys()) : "";
      return `is ${seen(input)}; the registered tasks are ${names || "none"}${more}${guess}`;
    }),
    description: v.nullish(description),
    task_params: v.nullish(v.pipe(params, v.description("What the task gets."))),
    metadata: v.nullish(v.pipe(params, v.description("The older name of task_params."))),
    timeout: v.nullish(field(
      `an integer of 0 to ${maxTimeout} ${unit} or a duration such as 500ms, 5s, 2h or 7d is allowed`,
      v.union([
        v.pipe(
          v.number(),
          v.integer(),
          v.minValue(0),
          v.maxValue(maxTimeout),
          v.transform((count) => Math.abs(count) * unitMs), // abs: "-0" is an integer >= 0
        ),
        v.pipe(v.string(), v.check(isTimeout), v.transform(parseDuration)),
      ]),
    )),
    run_at: v.nullish(v.pipe(runAt, v.description("When to start; absent or past: at once."))),
    id: v.optional(v.pipe(
      field("only the id of an answer is allowed", v.pipe(v.string(), v.uuid())),
      v.description("An answer can be sent again; the new job gets an id of its own."),
    )),
  });
}

/** The opaque text that stands for the page after the job of that id. */
export function encodeCursor(beforeId: string): string {
  return btoa(beforeId).replaceAll("=", "");
}

function decodeCursor(cursor: string): string | null {
  return /^[A-Za-z0-9]{48}$/.test(cursor) ? readJobId(atob(cursor)) : null;
}

function isPageLimit(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= maxPageLimit;
}

function isTimeout(text: string): boolean {
  const timeoutMs = parseDuration(text);
  return Number.isInteger(timeoutMs) && timeoutMs <= maxTimeoutMs;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Characters are code points here, as in the columns of the stores. */
function hasAtMost(text: string, characters: number): boolean {
  if (text.length <= characters) return true;
  return text.length <= 2 * characters && [...text].length <= characters;
}

function isShort(text: string, bytes: number): boolean {
  return text.length * 3 <= bytes || new TextEncoder().encode(text).length <= bytes;
}
