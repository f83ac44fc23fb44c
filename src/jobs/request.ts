// Checks the requests about jobs: from untrusted JSON to the forms that the job service works with.
// Called by src/jobs/service.ts. Names every wrong field at once, and never stores or changes anything.

import type { ErrorDetail } from "../errors.ts";
import type { TaskDescription } from "../tasks/description.ts";
import { type MaybePromise, whenReady } from "../maybe_promise.ts";
import type { ParamsCheck } from "./params_check.ts";
import type { JobQuery } from "./repository.ts";
import {
  checkRequest,
  invalidRequest,
  type JsonObject,
  type RequestRule,
} from "./request_check.ts";
import {
  type JobEdit,
  jobEdit,
  type JobListFields,
  jobListQuery,
  newJobSchema,
} from "./request_schema.ts";

/** A request for a new job, checked. */
export interface NewJob {
  readonly name: string;
  readonly description: string | undefined;
  readonly taskName: string;
  readonly paramsJson: string | undefined;
  readonly timeoutMs: number;
  readonly runAtMs: number | undefined;
}

/**
 * Checks a request for a new job.
 *
 * @param changedNumbers what is known to be wrong already: the numbers that reading the JSON has changed.
 * @throws ValetError `invalid_argument` that names every wrong field.
 */
export type ParseNewJob = (
  input: JsonObject,
  changedNumbers?: readonly ErrorDetail[],
) => MaybePromise<NewJob>;

/** The fields of a job in answers that no request has. */
const answerFields = [
  "status",
  "failure_reason",
  "scheduled_at",
  "created_at",
  "started_at",
  "completed_at",
  "duration",
];

/** What jobs, their tasks and their times are called elsewhere, without capitals and other marks. */
const otherNamesOfFields = {
  ...namesFor("name", "title", "label", "jobname"),
  ...namesFor("task_name", "task", "type", "function", "handler"),
  ...namesFor(
    "task_params",
    "params",
    "parameters",
    "payload",
    "args",
    "arguments",
    "data",
    "input",
  ),
  ...namesFor("run_at", "delay", "cron", "schedule", "at", "when", "eta", "startat", "startsat"),
  ...namesFor("timeout", "timeoutms", "timeoutseconds", "deadline", "ttl"),
};

const otherNamesOfParameters = {
  ...namesFor("q", "query", "search", "text", "name", "description"),
  ...namesFor("task_name", "task"),
  ...namesFor("limit", "pagesize", "perpage", "count", "size", "max"),
  ...namesFor("cursor", "nextcursor", "page", "offset", "after", "before"),
};

function namesFor(field: string, ...others: readonly string[]): Record<string, string> {
  return Object.fromEntries(others.map((other) => [other, field]));
}

const editRule: RequestRule<JobEdit> = {
  schema: jobEdit,
  noun: "field",
  otherNames: namesFor("name", "title", "label"),
};

const listRule: RequestRule<JobListFields> = {
  schema: jobListQuery,
  noun: "parameter",
  otherNames: otherNamesOfParameters,
};

/**
 * Makes the check of requests for new jobs.
 *
 * @param unitMs the milliseconds of one unit of `timeout`.
 */
export function createNewJobParser(
  tasks: ReadonlyMap<string, TaskDescription>,
  unitMs: number,
  paramsCheck: ParamsCheck,
): ParseNewJob {
  const schema = newJobSchema(tasks, unitMs);
  const rule = { schema, noun: "field", otherNames: otherNamesOfFields, answerFields } as const;

  return (input, changedNumbers = []) => {
    const { fields, wrong: checked } = checkRequest(rule, input);
    // "is 1e400" says more than "is Infinity".
    const changedPaths = changedNumbers.map(({ path }) => path);
    const wrong = [
      ...checked.filter(({ path }) => !changedPaths.includes(path)),
      ...changedNumbers,
    ];
    const isParamsWrong = wrong.some(({ path }) => /^(?:task_params|metadata)\b/.test(path));
    const params = fields.task_params ?? fields.metadata ?? undefined;
    const paramsJson = params === undefined ? undefined : JSON.stringify(params);
    const isGivenTwice = Boolean(fields.task_params && fields.metadata);
    if (isGivenTwice && !isParamsWrong && paramsJson !== JSON.stringify(fields.metadata)) {
      const message = "differs from metadata, which is its older name; give one of them";
      wrong.push({ path: "task_params", message });
    }
    const task = tasks.get(fields.task_name);
    const canCheckParams = task !== undefined && !isParamsWrong;
    return whenReady(canCheckParams ? paramsCheck.check(task, params ?? {}) : [], (problems) => {
      wrong.push(...problems);
      if (wrong.length > 0) throw invalidRequest("create the job", wrong);
      return {
        name: fields.name ?? fields.task_name,
        description: fields.description ?? undefined,
        taskName: fields.task_name,
        paramsJson,
        timeoutMs: fields.timeout ?? 0,
        runAtMs: fields.run_at ?? undefined,
      };
    });
  };
}

/**
 * Checks a request to change a job.
 *
 * @throws ValetError `invalid_argument` that names every wrong field.
 */
export function parseJobFields(input: JsonObject): JobEdit {
  const { fields, wrong } = checkRequest(editRule, input);
  if (wrong.length > 0) throw invalidRequest("change the job", wrong);
  return fields;
}

/**
 * Checks a request for a page of jobs: the parameters of a query string, of which an empty one counts as
 * absent.
 *
 * @throws ValetError `invalid_argument` that names every wrong parameter.
 */
export function parseListInput(input: JsonObject): JobQuery {
  const { fields, wrong } = checkRequest(listRule, input);
  if (wrong.length > 0) throw invalidRequest("list jobs", wrong);
  const { status, task_name: taskName, q: text, limit, cursor } = fields;
  return { status, taskName, text, limit, beforeId: cursor ?? undefined };
}
