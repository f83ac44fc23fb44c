// What a task is: the types that task modules and the table of tasks import.
// Task modules may import this file and nothing else of Valet.

import type { StandardSchemaV1 } from "@standard-schema/spec";

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
  /**
   * Checks the params right before the task is called: the job fails if they do not fit. When a job is submitted, the
   * JSON Schema made of it checks them, and a job that does not fit is refused.
   */
  readonly params?: Schema;
  /** The timeout of jobs that ask for none. Default: 84,600 s. */
  readonly timeout?: Duration;
  /**
   * The permissions of Deno that the task has, where the table holds the task itself; those of a task behind `load`
   * stand beside that. Default: none. `run`, `ffi` and `import` are refused: with them a task could leave its sandbox.
   */
  readonly permissions?: Deno.PermissionOptionsObject;
  run(params: StandardSchemaV1.InferOutput<Schema>, context: TaskContext): unknown;
}

/** A task as a module exports it. */
// deno-lint-ignore no-explicit-any -- a table holds tasks of every params type
export type Task = TaskFunction | TaskDefinition<any>;

/** An entry whose module is loaded only in the workers that have the permissions of the task. */
export interface LazyTask {
  /** Gives the module of the task, as `() => import("./mailer.ts")`: its default export, else the export with the task's name. */
  readonly load: () => Promise<object>;
  /** The permissions of Deno that the task has. Default: none; see {@link TaskDefinition.permissions}. */
  readonly permissions?: Deno.PermissionOptionsObject;
}

/** The tasks of an executable: name to task. */
export type TaskTable = Readonly<Record<string, LazyTask | Task>>;

/** Returns the task unchanged, and gives `run` the types of its `params` schema. */
export function defineTask<Schema extends StandardSchemaV1>(
  task: TaskDefinition<Schema>,
): TaskDefinition<Schema> {
  return task;
}

/** The longest timeout, of a job or a task: one year. */
export const maxTimeoutMs = 365 * 24 * 3_600_000;
