// What a task is: the types that task modules import, and the one form that Valet works with inside.
// Task modules may import this file and nothing else of Valet.

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { ValetError } from "../errors.ts";
import type { didYouMean } from "../did_you_mean.ts";
import { problemsOfPermissions } from "./permissions.ts";

/** Writes to the log of the server; every line carries the id of the job. `fields` must be JSON. */
export interface TaskLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** The job that a task runs for. */
export interface TaskJob {
  readonly id: string;
  readonly name: string;
  readonly task_name: string;
  /** The time the job was scheduled for, RFC 3339 in UTC; absent: it was to run at once. */
  readonly run_at?: string;
  /** 1 for the first run of the job, one more for each later one. */
  readonly attempt: number;
}

/** What a task gets beside its params. */
export interface TaskContext {
  /** Aborts when the job times out, is deleted, or the node stops: pass it on, and return soon after. */
  readonly signal: AbortSignal;
  readonly job: TaskJob;
  readonly log: TaskLog;
  /** What the configuration says under `tasks.<name of the task>`; no job can change it. */
  readonly settings: TaskSettings;
  /** The most bytes that the result may have as JSON; a longer one fails the job. */
  readonly maxResultBytes: number;
}

/** The settings of one task, by their names in the configuration. */
export type TaskSettings = Readonly<Record<string, unknown>>;

/** A length of time; the parts add up. */
export interface Duration {
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly milliseconds?: number;
}

/** The function that does the work. What it returns must be JSON and is the result of the job. */
// deno-lint-ignore no-explicit-any -- params are whatever JSON object the client sent
export type TaskFunction<Params = any> = (params: Params, context: TaskContext) => unknown;

/** A task with more than its function. */
export interface TaskDefinition<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** Checks the params when a job is submitted (a job that fails it is refused) and before it runs. */
  readonly params?: Schema;
  /** The timeout of jobs that ask for none. Default: 84,600 s. */
  readonly timeout?: Duration;
  /**
   * The permissions of Deno that the task has. Default: none. `run`, `ffi` and `import` are refused: with
   * them a task could leave its sandbox.
   */
  readonly permissions?: Deno.PermissionOptionsObject;
  run(params: StandardSchemaV1.InferOutput<Schema>, context: TaskContext): unknown;
}

/** A task as a module exports it. */
// deno-lint-ignore no-explicit-any -- a table holds tasks of every params type
export type Task = TaskFunction | TaskDefinition<any>;

/** The tasks of an executable: name to task. */
export type TaskTable = Readonly<Record<string, Task>>;

/** Returns the task unchanged, and gives `run` the types of its `params` schema. */
export function defineTask<Schema extends StandardSchemaV1>(
  task: TaskDefinition<Schema>,
): TaskDefinition<Schema> {
  return task;
}

/** A registered task, ready to use. */
export interface RegisteredTask {
  readonly name: string;
  readonly params: StandardSchemaV1 | undefined;
  /** 0: the task sets no timeout of its own. */
  readonly timeoutMs: number;
  readonly permissions: Deno.PermissionOptionsObject;
  readonly run: TaskFunction;
}

/** The longest name of a task, in characters. */
const maxNameLength = 255;
/** The longest timeout, of a job or a task: one year. */
export const maxTimeoutMs = 365 * 24 * 3_600_000;
/** An unknown key that resembles one of these is refused: a schema that is never asked is worse than none. */
const definitionKeys = ["params", "permissions", "run", "timeout"];
const durationParts = ["hours", "minutes", "seconds", "milliseconds"];

/**
 * The registered form of every task of the table. The map is the only way from a client's task name to
 * a task, so that a name like `constructor` finds nothing.
 *
 * @param guess finds what a misspelt key of a definition was to be, as the end of a message; see didYouMean. A
 * worker, whose table the server has checked, does without it: every module costs every worker memory.
 * @throws ValetError `invalid_config` that lists everything wrong with the table.
 */
export function registerTasks(
  table: TaskTable,
  guess: typeof didYouMean = () => "",
): ReadonlyMap<string, RegisteredTask> {
  const details: { path: string; message: string }[] = [];
  const tasks = new Map<string, RegisteredTask>();
  for (const [name, task] of Object.entries(table)) {
    const problems = [...problemsOfName(name), ...problemsOfTask(task, guess)];
    details.push(...problems.map((problem) => ({
      path: name,
      message: `Cannot register the task ${JSON.stringify(name)}: it ${problem}`,
    })));
    if (problems.length === 0) tasks.set(name, registeredTask(name, task));
  }
  if (details.length > 0) {
    const list = details.map(({ message }) => message).join("; ");
    throw new ValetError("invalid_config", list, { details });
  }
  return tasks;
}

function registeredTask(name: string, task: Task): RegisteredTask {
  if (typeof task === "function") {
    return { name, params: undefined, timeoutMs: 0, permissions: {}, run: task };
  }
  return {
    name,
    params: task.params,
    timeoutMs: task.timeout === undefined ? 0 : durationMs(task.timeout),
    permissions: task.permissions ?? {},
    run: (params, context) => task.run(params, context),
  };
}

function durationMs(duration: Duration): number {
  const { hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = duration;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
}

function problemsOfName(name: string): string[] {
  const isFine = name.length >= 1 && name.length <= maxNameLength;
  return isFine
    ? []
    : [`has a name of ${name.length} characters: 1 to ${maxNameLength} are allowed`];
}

function problemsOfTask(task: unknown, guess: typeof didYouMean): string[] {
  if (typeof task === "function") return [];
  if (typeof task !== "object" || task === null) {
    return [
      `is ${task === null ? "null" : typeof task}: a function or an object with run is allowed`,
    ];
  }
  const definition = task as Partial<Record<keyof TaskDefinition, unknown>>;
  const problems: string[] = [];
  for (const key of Object.keys(definition)) {
    const meant = definitionKeys.includes(key) ? "" : guess(key, definitionKeys);
    if (meant !== "") problems.push(`has the unknown key ${key}${meant}`);
  }
  if (typeof definition.run !== "function") problems.push("has no function run");
  if (definition.params !== undefined && !isStandardSchema(definition.params)) {
    problems.push("has params that are no Standard Schema (no ~standard.validate)");
  }
  return [
    ...problems,
    ...problemsOfTimeout(definition.timeout),
    ...problemsOfPermissions(definition.permissions),
  ];
}

function problemsOfTimeout(timeout: unknown): string[] {
  if (timeout === undefined) return [];
  if (typeof timeout !== "object" || timeout === null || Array.isArray(timeout)) {
    const seen = JSON.stringify(timeout);
    return [`has the timeout ${seen}: an object such as { minutes: 1, seconds: 30 } is allowed`];
  }
  const wrong = Object.entries(timeout).filter(([part, count]) =>
    count !== undefined && !(durationParts.includes(part) && Number.isFinite(count))
  );
  if (wrong.length > 0) {
    return wrong.map(([part, count]) =>
      `has a timeout with ${part}: ${String(count)}; ` +
      `numbers of ${durationParts.join(", ")} are allowed`
    );
  }
  const timeoutMs = durationMs(timeout);
  if (timeoutMs > 0 && timeoutMs <= maxTimeoutMs) return [];
  return [`has a timeout of ${timeoutMs} ms: more than 0 and at most a year is allowed`];
}

function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  const standard = (value as { "~standard"?: { validate?: unknown } } | null)?.["~standard"];
  return typeof standard?.validate === "function";
}
