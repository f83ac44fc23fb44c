// Runs a task once without a server: `valet run`. The same worker, sandbox, check of params and timeout as a server's;
// nothing is stored. Called by src/node/commands.ts.

import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { cutText } from "../cut_text.ts";
import { didYouMean } from "../did_you_mean.ts";
import { type ErrorDetail, ValetError } from "../errors.ts";
import type { RunnerCommand } from "../executor/host/runner_process.ts";
import { Pool } from "../executor/host/pool.ts";
import type { Run } from "../executor/host/run.ts";
import { findChangedNumbers } from "../http/json_scan.ts";
import { createJobIds } from "../jobs/id.ts";
import type { Outcome } from "../jobs/job.ts";
import { createParamsCheck } from "../jobs/params_check.ts";
import { defaultTimeoutMs, type TaskDescription } from "../tasks/description.ts";

/** What is run, and with what. */
export interface RunOnceOptions {
  readonly config: Config;
  readonly tasks: ReadonlyMap<string, TaskDescription>;
  readonly workerUrl: URL;
  readonly runnerCommand: RunnerCommand;
  readonly taskName: string;
  /** Each `key=value`; a value is JSON if it parses, else a text. */
  readonly assignments: readonly string[];
  /** Aborts the run. */
  readonly stop: AbortSignal;
}

const maxShownLength = 64;
const stopReason = "the run was stopped by a signal";

/**
 * Runs the task and resolves with how that ended.
 *
 * @throws ValetError `invalid_argument` for an unknown task and for params that do not fit.
 */
export async function runOnce(options: RunOnceOptions): Promise<Outcome> {
  const { config, tasks, taskName, assignments, stop } = options;
  const task = tasks.get(taskName);
  if (task === undefined) {
    const guess = didYouMean(taskName, tasks.keys()) ||
      `; the tasks are ${[...tasks.keys()].join(", ") || "none"}`;
    throw refusal(`Cannot run ${seen(taskName)}: it is no task${guess}`);
  }
  const paramsJson = readAssignments(taskName, assignments);
  const changed = findChangedNumbers(`{"task_params":${paramsJson}}`);
  const problems = await createParamsCheck().check(task, JSON.parse(paramsJson));
  const isChanged = (path: string) => changed.some((number) => number.path === path);
  const wrong = [...changed, ...problems.filter(({ path }) => !isChanged(path))];
  if (wrong.length > 0) throw wrongParams(taskName, wrong);

  const run = makeRun(task, paramsJson);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const pool: Pool = new Pool({
    ...config.workerPool,
    concurrency: 1,
    maxWorkers: 1,
    tasks,
    taskSettings: config.tasks,
    workerUrl: options.workerUrl,
    runnerCommand: options.runnerCommand,
    clock: systemClock,
    onEnds([end]) {
      if (end === undefined) return;
      if ("outcome" in end) resolve(end.outcome);
      else if (stop.aborted) resolve(failed(stopReason));
      else if (pool.stats().unloadableTasks.includes(taskName)) {
        resolve(failed("its module cannot be loaded; the log tells why"));
      }
      // Else its worker takes long to load: onLoadable follows.
    },
    onLoadable: () => pool.submit([run]),
    onExhausted: () => {},
  });
  const abort = () => pool.abort(run.job.id, stopReason);
  stop.addEventListener("abort", abort, { once: true });
  try {
    pool.submit([run]);
    if (stop.aborted) abort();
    return await promise;
  } finally {
    stop.removeEventListener("abort", abort);
    await pool.stop(0);
  }
}

function makeRun(task: TaskDescription, paramsJson: string): Run {
  const nowMs = systemClock.now();
  return {
    task,
    timeoutMs: task.timeoutMs || defaultTimeoutMs,
    job: {
      ...{ id: createJobIds()(nowMs), name: task.name, description: undefined },
      ...{ taskName: task.name, paramsJson, timeoutMs: 0, status: "IN_PROGRESS" },
      ...{ runAtMs: undefined, createdAtMs: nowMs, scheduledAtMs: undefined, startedAtMs: nowMs },
      ...{ completedAtMs: undefined, durationMs: undefined, failureReason: undefined },
      ...{ attempt: 1, fence: 1, crashes: 0 },
    },
  };
}

function failed(failureReason: string): Outcome {
  const times = { startedAtMs: systemClock.now(), durationMs: 0 };
  return { status: "FAILED", resultJson: undefined, failureReason, ...times };
}

/** The params as JSON text, with each value as it was written. */
function readAssignments(taskName: string, assignments: readonly string[]): string {
  const values = new Map<string, string>();
  for (const assignment of assignments) {
    const equals = assignment.indexOf("=");
    if (equals < 1) {
      const example = equals < 0
        ? `; did you mean ${cutText(assignment, maxShownLength)}=...?`
        : "";
      throw refusal(`Cannot run ${taskName}: ${seen(assignment)} is no key=value${example}`);
    }
    const key = assignment.slice(0, equals);
    const value = assignment.slice(equals + 1);
    if (values.has(key)) {
      const list = `${cutText(key, maxShownLength)}='["x","y"]'`;
      throw refusal(
        `Cannot run ${taskName}: ${seen(key)} is given twice; a list of both is ${list}`,
      );
    }
    values.set(key, isJson(value) ? value : JSON.stringify(value));
  }
  const members = [...values].map(([key, value]) => `${JSON.stringify(key)}:${value}`);
  return `{${members.join()}}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function wrongParams(taskName: string, wrong: readonly ErrorDetail[]): ValetError {
  const details = wrong.map(({ path, message }) => ({
    path,
    message: `Cannot run ${taskName}: ${path} ${message}`,
  }));
  return new ValetError("invalid_argument", details.map(({ message }) => message).join("; "), {
    details,
  });
}

function refusal(message: string): ValetError {
  return new ValetError("invalid_argument", message);
}

function seen(text: string): string {
  return JSON.stringify(cutText(text, maxShownLength));
}
