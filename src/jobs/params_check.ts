// Checks the params of new jobs by the JSON Schema of their task, on the server's thread and in bounded time. What it
// cannot check, the task's own schema checks right before the run.

import process from "node:process";
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
  /** The bound of the first check of a task, which compiles its schema. Default: 800. */
  readonly maxFirstCheckMs?: number;
  /** The bound of each later check. Default: 300. */
  readonly maxCheckMs?: number;
  /** The CPU time of this thread. Default: as the system counts it. */
  readonly cpuMs?: () => number;
}

/**
 * A task whose stopped checks took so much CPU time together is not checked again: else its clients could hold the
 * server up. That is one first check, or three later ones. CPU time, because on a busy machine any check may be stopped.
 */
const maxStoppedCpuMs = 700;

interface Tools {
  readonly callBounded: BoundedCall;
  readonly compile: typeof compileParamsSchema;
}

/** Of this thread alone: workers may be at work meanwhile. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Makes the check of params. */
export function createParamsCheck(options: ParamsCheckOptions = {}): ParamsCheck {
  const { maxFirstCheckMs = 800, maxCheckMs = 300, cpuMs = threadCpuMs } = options;
  const log = getLogger("jobs");
  const validators = new Map<string, ValidateParams>();
  const stoppedCpuMs = new Map<string, number>();
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
    const startedCpuMs = cpuMs();
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
    const usedMs = (stoppedCpuMs.get(name) ?? 0) + cpuMs() - startedCpuMs;
    stoppedCpuMs.set(name, usedMs);
    if (usedMs >= maxStoppedCpuMs) {
      uncheckedTasks.add(name);
      log.warn(
        "checks of a task's params at submit were stopped because they took too long: from now on they are checked " +
          "before the run",
        { task: name, limit_ms: limitMs, cpu_ms: Math.round(usedMs) },
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
