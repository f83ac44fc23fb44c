// One run of a task inside a worker: the context that the task sees, and how the run can fail from
// outside. Created by the task server for each run.

import type { RegisteredTask, TaskContext, TaskJob, TaskLog } from "../task.ts";
import type { RunMessage } from "./messages.ts";

/** A log line of a task on its way to the log of the server. */
export interface TaskLogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields?: Record<string, unknown>;
}

/** The longest message of a log line, in characters. */
const maxLogMessageLength = 4096;
/** The longest failure reason, in characters. */
const maxReasonLength = 8192;

/** A run and the context of its task. What most tasks do not use is made when they ask for it. */
export class TaskRun implements TaskContext {
  readonly message: RunMessage;
  readonly task: RegisteredTask;
  /** Epoch time at which the task was called. */
  startedAtMs = 0;
  /** The same moment on the steady clock of `performance.now()`. */
  calledAtMs = 0;
  /** Set when the run is to fail, whatever its task does from now on. */
  failureReason: string | undefined;
  #abortController: AbortController | undefined;
  readonly #writeLog: (run: TaskRun, line: TaskLogLine) => void;

  constructor(
    message: RunMessage,
    task: RegisteredTask,
    writeLog: (run: TaskRun, line: TaskLogLine) => void,
  ) {
    this.message = message;
    this.task = task;
    this.#writeLog = writeLog;
  }

  get signal(): AbortSignal {
    this.#abortController ??= new AbortController();
    return this.#abortController.signal;
  }

  get job(): TaskJob {
    const { jobId, jobName, taskName, runAtMs, attempt } = this.message;
    return {
      id: jobId,
      name: jobName,
      task_name: taskName,
      attempt,
      ...(runAtMs === undefined ? {} : { run_at: new Date(runAtMs).toISOString() }),
    };
  }

  get log(): TaskLog {
    const at =
      (level: TaskLogLine["level"]) => (message: string, fields?: Record<string, unknown>) =>
        this.writeLog(level, message, fields);
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  }

  /** Logs for this run. */
  writeLog(level: TaskLogLine["level"], message: string, fields?: Record<string, unknown>): void {
    const text = String(message).slice(0, maxLogMessageLength);
    this.#writeLog(this, { level, message: text, ...(fields === undefined ? {} : { fields }) });
  }

  /** The run is to fail with this reason; its signal aborts. The first reason stays. */
  fail(reason: string, name: "TimeoutError" | "AbortError"): void {
    if (this.failureReason !== undefined) return;
    this.failureReason = reason;
    // Made even if the task has not asked for it yet: it may still ask, and must find it aborted.
    this.#abortController ??= new AbortController();
    this.#abortController.abort(new DOMException(reason, name));
  }
}

/**
 * The failure reason for something that a task threw. A refused permission is told by the error's name,
 * and by what the task would have to declare.
 */
export function thrownReason(thrown: unknown): string {
  try {
    return describeThrown(thrown).slice(0, maxReasonLength);
  } catch {
    // A getter, a proxy or a toString of the task's own making threw in its turn.
    return "the task threw something that cannot be shown";
  }
}

function describeThrown(thrown: unknown): string {
  if (thrown instanceof Error) {
    const message = String(thrown.message || thrown.name);
    return thrown.name === "NotCapable" ? permissionReason(message) : message;
  }
  return `the task threw ${
    typeof thrown === "string" ? JSON.stringify(thrown) : Deno.inspect(thrown)
  }, which is no Error`;
}

// The text after the resource differs between `deno run` and a compiled binary; the resource does not.
function permissionReason(message: string): string {
  const match = /^Requires (\w+) access(?: to ("[^"]*"|<[^>]*>|[^,]*))?/.exec(message);
  if (match === null) return message;
  const [, name, resource] = match;
  const what = resource === undefined ? "" : ` to ${resource}`;
  return `needs ${name} access${what}; declare permissions.${name}`;
}
