// Checks the params of new jobs by the JSON Schema of their task, on the server's thread and in bounded time. What it
// cannot check, the task's own schema checks right before the run.

import type { BoundedCall } from "../bounded_call.ts";
import { type ErrorDetail, errorMessage } from "../errors.ts";
import { getLogger } from "../log/log.ts";
import { type MaybePromise, whenReady } from "../maybe_promise.ts";
import type { JsonSchema, TaskDescription } from "../tasks/description.ts";
import type { compileParamsSchema, ValidateParams } from "./params_schema.ts";

/** The check of params, with what it has learnt of the tasks. */
export interface ParamsCheck {
  /** The problems of the params; empty where there is none, and where that cannot be said. */
  check(task: TaskDescription, params: object): MaybePromise<readonly ErrorDetail[]>;
  /** When the params of the task are checked in full; `submit` only as long as that takes no longer than its bound. */
  checkedAt(task: TaskDescription): TaskDescription["paramsChecked"];
}

/** What may be set for tests. */
export interface ParamsCheckOptions {
  /** The bound of the first check of a task, which compiles its schema. Default: 300. */
  readonly maxFirstCheckMs?: number;
  /** The bound of each later check. Default: 200. */
  readonly maxCheckMs?: number;
}

/** A task with so many checks that were stopped is not checked again: else its clients could hold the server up. */
const maxStopped = 3;

interface Tools {
  readonly callBounded: BoundedCall;
  readonly compile: typeof compileParamsSchema;
}

/** Makes the check of params. */
export function createParamsCheck(options: ParamsCheckOptions = {}): ParamsCheck {
  const { maxFirstCheckMs = 300, maxCheckMs = 200 } = options;
  const log = getLogger("jobs");
  const validators = new Map<string, ValidateParams>();
  const stoppedChecks = new Map<string, number>();
  const uncheckedTasks = new Set<string>();
  /** null: there are none. */
  let tools: MaybePromise<Tools | null> | undefined;

  function check(
    { callBounded, compile }: Tools,
    name: string,
    schema: JsonSchema,
    params: object,
  ): readonly ErrorDetail[] {
    const validate = validators.get(name);
    const limitMs = validate === undefined ? maxFirstCheckMs : maxCheckMs;
    try {
      const ended = callBounded(limitMs, () => {
        const made = validate ?? compile(schema);
        validators.set(name, made);
        return made(params);
      });
      if (ended !== undefined) return ended.value;
    } catch (error) {
      uncheckedTasks.add(name);
      const reason = errorMessage(error);
      log.warn(
        "the JSON Schema of a task's params cannot be used: they are checked before the run",
        {
          task: name,
          reason,
        },
      );
      return [];
    }
    const stopped = (stoppedChecks.get(name) ?? 0) + 1;
    stoppedChecks.set(name, stopped);
    // A schema that was not compiled in time takes as long the next time.
    if (stopped === maxStopped || !validators.has(name)) uncheckedTasks.add(name);
    if (stopped === 1) {
      const which = validators.has(name)
        ? `before the run, and after ${maxStopped} such checks always`
        : "before the run";
      log.warn(
        `a check of params at submit took longer than ${limitMs} ms: they are checked ${which}`,
        { task: name },
      );
    }
    return [];
  }

  return {
    check(task, params) {
      const { name, paramsSchema } = task;
      if (paramsSchema === undefined || uncheckedTasks.has(name)) return [];
      tools ??= loadTools().then((loaded) => tools = loaded);
      return whenReady(tools, (loaded) => {
        if (loaded !== null && !uncheckedTasks.has(name)) {
          return check(loaded, name, paramsSchema, params);
        }
        uncheckedTasks.add(name);
        return [];
      });
    },
    checkedAt: (task) => uncheckedTasks.has(task.name) ? "run" : task.paramsChecked,
  };

  /** With the first job that needs it: Ajv and the inspector take 50 ms and 3 MB. */
  async function loadTools(): Promise<Tools | null> {
    try {
      const [{ loadBoundedCall }, { compileParamsSchema }] = await Promise.all([
        import("../bounded_call.ts"),
        import("./params_schema.ts"),
      ]);
      return { callBounded: await loadBoundedCall(), compile: compileParamsSchema };
    } catch (error) {
      const reason = errorMessage(error);
      log.warn("params cannot be checked when a job is submitted, only before it runs", { reason });
      return null;
    }
  }
}
