// What clients ask for, checked: from untrusted JSON to the forms that the job service works with.
// Called by src/jobs/service.ts. Names every wrong field at once, and never stores or changes anything.

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { didYouMean } from "../did_you_mean.ts";
import { type ErrorDetail, ValetError } from "../errors.ts";
import { readJobId } from "./id.ts";
import { type JobStatus, jobStatuses } from "./job.ts";
import type { JobQuery } from "./repository.ts";
import { maxTimeoutMs, type RegisteredTask } from "../tasks/task.ts";
import { parseTimestamp } from "./timestamp.ts";

/** An object as it came from `JSON.parse`. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A request for a new job, checked. */
export interface NewJob {
  readonly name: string;
  readonly description: string | undefined;
  readonly taskName: string;
  readonly paramsJson: string | undefined;
  readonly timeoutMs: number;
  readonly runAtMs: number | undefined;
}

/** The filters and the page of a list of jobs, as texts of a query string; empty means not given. */
export interface ListInput {
  readonly status?: string | undefined;
  readonly taskName?: string | undefined;
  readonly text?: string | undefined;
  readonly limit?: string | undefined;
  readonly cursor?: string | undefined;
}

const maxNameLength = 255;
/** What a TEXT column of MySQL holds. */
const maxDescriptionBytes = 65_535;
const maxParamsLevels = 64;
const defaultPageLimit = 100;
const maxPageLimit = 1000;
/** The bounds of an answer, whatever a client or a schema comes up with. */
const maxIssues = 100;
const maxDetailsInMessage = 5;
const maxSeenLength = 64;
const maxNamedTasks = 20;

/**
 * Checks a request for a new job; a promise only where the task has a params schema. `null` for an optional
 * field means that it is not given.
 *
 * @param unitMs the milliseconds of one unit of `timeout`.
 * @throws ValetError `invalid_argument` that names every wrong field, `internal` where the task's own
 * schema threw.
 */
export function parseNewJob(
  input: JsonObject,
  tasks: ReadonlyMap<string, RegisteredTask>,
  unitMs: number,
): NewJob | Promise<NewJob> {
  const wrong: ErrorDetail[] = [];
  const task = parseTask(input.task_name, tasks, wrong);
  const params = chooseParams(input, wrong);
  const newJob = {
    name: parseName(input.name, wrong),
    description: parseDescription(input.description ?? undefined, wrong),
    taskName: task?.name ?? "",
    paramsJson: params === undefined ? undefined : JSON.stringify(params),
    timeoutMs: parseTimeout(input.timeout ?? 0, unitMs, wrong),
    runAtMs: parseRunAt(input.run_at ?? undefined, wrong),
  };
  const finish = () => {
    if (wrong.length > 0) throw invalidArgument("create the job", wrong);
    return newJob;
  };
  const areParamsWrong = wrong.some(({ path }) => path === "task_params" || path === "metadata");
  if (task?.params === undefined || areParamsWrong) return finish();
  // After the params were made text: a schema may change what it is given.
  return checkWithSchema(task.name, task.params, params ?? {}, wrong).then(finish);
}

/** The fields that a client may change: an absent one stays as it is. */
export interface JobFields {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
}

/**
 * Checks a request to change a job: an absent field stays as it is.
 *
 * @throws ValetError `invalid_argument` that names every wrong field.
 */
export function parseJobFields(input: JsonObject): JobFields {
  const wrong: ErrorDetail[] = [];
  const fields = {
    name: input.name === undefined ? undefined : parseName(input.name, wrong),
    description: parseDescription(input.description, wrong),
  };
  if (wrong.length > 0) throw invalidArgument("change the job", wrong);
  return fields;
}

/**
 * Checks a request for a page of jobs.
 *
 * @throws ValetError `invalid_argument` that names every wrong field.
 */
export function parseListInput(input: ListInput): JobQuery {
  const wrong: ErrorDetail[] = [];
  const status = input.status || undefined;
  if (status !== undefined && !isJobStatus(status)) {
    const message = `is ${seen(status)}; ${jobStatuses.join(", ")} are allowed`;
    wrong.push({ path: "status", message });
  }
  const limit = input.limit ? Number(input.limit) : defaultPageLimit;
  if (!/^\d*$/.test(input.limit ?? "") || limit < 1 || limit > maxPageLimit) {
    const message = `is ${seen(input.limit)}; an integer of 1 to ${maxPageLimit} is allowed`;
    wrong.push({ path: "limit", message });
  }
  const beforeId = input.cursor ? decodeCursor(input.cursor) : undefined;
  if (input.cursor && beforeId === undefined) {
    const message = `is ${seen(input.cursor)}; the next_cursor of a page before is allowed`;
    wrong.push({ path: "cursor", message });
  }
  if (wrong.length > 0) throw invalidArgument("list jobs", wrong);
  return {
    status: status as JobStatus | undefined,
    taskName: input.taskName || undefined,
    text: input.text || undefined,
    limit,
    beforeId,
  };
}

/** The opaque text that stands for the page after the job of that id. */
export function encodeCursor(beforeId: string): string {
  return btoa(beforeId).replaceAll("=", "");
}

function decodeCursor(cursor: string): string | undefined {
  if (!/^[A-Za-z0-9]{48}$/.test(cursor)) return undefined;
  const id = atob(cursor);
  return readJobId(id) ?? undefined;
}

function isJobStatus(text: string): text is JobStatus {
  return (jobStatuses as readonly string[]).includes(text);
}

function parseName(value: unknown, wrong: ErrorDetail[]): string {
  if (typeof value === "string" && value !== "" && hasAtMost(value, maxNameLength)) return value;
  const message = `is ${seen(value)}; a text of 1 to ${maxNameLength} characters is required`;
  wrong.push({ path: "name", message });
  return "";
}

/** Characters are code points here, as in the columns of the stores. */
function hasAtMost(text: string, characters: number): boolean {
  if (text.length <= characters) return true;
  return text.length <= 2 * characters && [...text].length <= characters;
}

function parseDescription(value: unknown, wrong: ErrorDetail[]): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string") {
    const isShort = value.length * 3 <= maxDescriptionBytes;
    if (isShort || new TextEncoder().encode(value).length <= maxDescriptionBytes) return value;
  }
  const message = `is ${seen(value)}; a text of at most ${maxDescriptionBytes} bytes is allowed`;
  wrong.push({ path: "description", message });
  return undefined;
}

function parseTask(
  value: unknown,
  tasks: ReadonlyMap<string, RegisteredTask>,
  wrong: ErrorDetail[],
): RegisteredTask | undefined {
  const task = typeof value === "string" ? tasks.get(value) : undefined;
  if (task === undefined) {
    const names = [...tasks.keys()].slice(0, maxNamedTasks).map(seen).join(", ");
    const more = tasks.size > maxNamedTasks ? ` and ${tasks.size - maxNamedTasks} more` : "";
    const guess = typeof value === "string" ? didYouMean(value, tasks.keys()) : "";
    const message = `is ${seen(value)}; the registered tasks are ${names || "none"}${more}${guess}`;
    wrong.push({ path: "task_name", message });
  }
  return task;
}

function chooseParams(input: JsonObject, wrong: ErrorDetail[]): object | undefined {
  const params = checkParams("task_params", input.task_params, wrong);
  const metadata = checkParams("metadata", input.metadata, wrong);
  if (params !== undefined && metadata !== undefined) {
    if (JSON.stringify(params) !== JSON.stringify(metadata)) {
      const message = "differs from metadata, which is its older name; give one of them";
      wrong.push({ path: "task_params", message });
    }
  }
  return params ?? metadata;
}

function checkParams(path: string, value: unknown, wrong: ErrorDetail[]): object | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "object" || Array.isArray(value)) {
    wrong.push({ path, message: `is ${seen(value)}; an object is allowed` });
    return undefined;
  }
  if (isDeeperThan(value, maxParamsLevels)) {
    wrong.push({ path, message: `is nested deeper than the ${maxParamsLevels} levels allowed` });
    return undefined;
  }
  return value;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const item of Object.values(value)) if (isDeeperThan(item, levels - 1)) return true;
  return false;
}

function parseTimeout(value: unknown, unitMs: number, wrong: ErrorDetail[]): number {
  const max = maxTimeoutMs / unitMs;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max) {
    return Math.abs(value as number) * unitMs; // abs: "-0" is an integer >= 0
  }
  const unit = unitMs === 1 ? "milliseconds" : "seconds";
  const message = `is ${seen(value)}; an integer of 0 to ${max} ${unit} is allowed`;
  wrong.push({ path: "timeout", message });
  return 0;
}

function parseRunAt(value: unknown, wrong: ErrorDetail[]): number | undefined {
  if (value === undefined) return undefined;
  const runAtMs = typeof value === "string" ? parseTimestamp(value) : undefined;
  if (runAtMs === undefined) {
    const example = "2022-06-06T15:04:05.999Z";
    const message = `is ${
      seen(value)
    }; an RFC 3339 time from 1970 to 9999 as ${example} is allowed`;
    wrong.push({ path: "run_at", message });
  }
  return runAtMs;
}

async function checkWithSchema(
  taskName: string,
  schema: StandardSchemaV1,
  params: object,
  wrong: ErrorDetail[],
): Promise<void> {
  let issues: readonly StandardSchemaV1.Issue[];
  try {
    issues = (await schema["~standard"].validate(params)).issues ?? [];
  } catch (cause) {
    const message = `Cannot check task_params: the params schema of task "${taskName}" threw`;
    throw new ValetError("internal", message, { cause });
  }
  for (const { path = [], message } of issues.slice(0, maxIssues)) {
    const keys = path.map((part) => String(typeof part === "object" ? part.key : part));
    wrong.push({ path: ["task_params", ...keys].join("."), message });
  }
}

/** A client's value in an error text, cut to a bounded length. */
function seen(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  if (value.length <= maxSeenLength) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, maxSeenLength))}... (${value.length} characters)`;
}

function invalidArgument(what: string, details: readonly ErrorDetail[]): ValetError {
  const named = details.slice(0, maxDetailsInMessage);
  const list = named.map(({ path, message }) => `${path} ${message}`).join("; ");
  const rest = details.length - named.length;
  const more = rest > 0 ? `; and ${rest} more` : "";
  return new ValetError("invalid_argument", `Cannot ${what}: ${list}${more}`, { details });
}
