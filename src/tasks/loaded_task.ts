// A task in the form that a worker calls, and everything that can be wrong with what a module exports as one.
// Used where task code runs: in workers and in tests of tasks.

import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { didYouMean } from "../did_you_mean.ts";
import { problemsOfPermissions } from "./permissions.ts";
import {
  type Duration,
  maxTimeoutMs,
  type Task,
  type TaskDefinition,
  type TaskFunction,
} from "./task.ts";
import { paramPath } from "../value_path.ts";

/** A task, ready to be called. */
export interface LoadedTask {
  readonly name: string;
  readonly params: StandardSchemaV1 | undefined;
  /** 0: the task sets no timeout of its own. */
  readonly timeoutMs: number;
  readonly run: TaskFunction;
}

/** An unknown key that resembles one of these is refused: a schema that is never asked is worse than none. */
const definitionKeys = ["params", "permissions", "run", "timeout"];
const durationParts = ["hours", "minutes", "seconds", "milliseconds"];

/** The form of a task that is called. The task must have no problems; see {@link problemsOfTask}. */
export function loadedTask(name: string, task: Task): LoadedTask {
  if (typeof task === "function") return { name, params: undefined, timeoutMs: 0, run: task };
  return {
    name,
    params: task.params,
    timeoutMs: task.timeout === undefined ? 0 : durationMs(task.timeout),
    run: (params, context) => task.run(params, context),
  };
}

/**
 * The params as the task gets them: what its schema makes of those that were sent.
 *
 * @throws Error that names every place where they do not fit, or has what the schema threw as its cause.
 */
export async function validParams(schema: StandardSchemaV1, params: unknown): Promise<unknown> {
  let validated: StandardSchemaV1.Result<unknown>;
  try {
    validated = await schema["~standard"].validate(params);
  } catch (cause) {
    throw new Error("the schema of the params failed", { cause });
  }
  if (validated.issues === undefined) return validated.value;
  const problems = validated.issues.map(({ path, message }) => `${paramPath(path)} ${message}`);
  throw new Error(`the params do not fit the task: ${problems.join("; ")}`);
}

/**
 * What is wrong with a task and what is allowed, each to stand after "it".
 *
 * @param guess finds what a misspelt key of a definition was to be, as the end of a message; see didYouMean. A
 * worker that serves does without it, since its tasks were checked at the start: every module costs every worker memory.
 */
export function problemsOfTask(task: unknown, guess: typeof didYouMean = () => ""): string[] {
  if (typeof task === "function") {
    // It cannot be called without `new`, so every job would fail.
    return /^class\b/.test(Function.prototype.toString.call(task))
      ? ["is a class: a function or an object with run is allowed, such as an instance of it"]
      : [];
  }
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

function durationMs(duration: Duration): number {
  const { hours = 0, minutes = 0, seconds = 0, milliseconds = 0 } = duration;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds;
}
