// One run of a task inside a worker: the context that the task sees, and how the run can fail from
// outside. Created by the task server for each run.

import type { LoadedTask } from "../../tasks/loaded_task.ts";
import type { TaskContext, TaskJob, TaskLog } from "../../tasks/task.ts";
import type { RunMessage } from "../wire/messages.ts";
import { LogAllowance } from "./log_allowance.ts";
import { PrintedLines } from "./printed_lines.ts";
import { type ConsoleState, createConsoleState, type LogLevel } from "./task_hooks.ts";

// Captured before any task code is loaded: what a task makes of the built-in objects changes nothing here.
const { AbortController, DOMException, Date, String } = globalThis;

/** A log line of a task on its way to the log of the server. */
export interface TaskLogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: Record<string, unknown>;
}

/** The longest message of a log line, in characters. */
const maxLogMessageLength = 4096;

/** A run and the context of its task. */
export class TaskRun {
  readonly message: RunMessage;
  readonly task: LoadedTask;
  /** Plain fields, so that a task may copy and spread it; they cost less to make than getters. */
  readonly context: TaskContext;
  /** Epoch time at which the task was called. */
  startedAtMs = 0;
  /** The same moment on the steady clock of `performance.now()`. */
  calledAtMs = 0;
  /** Set when the run is to fail, whatever its task does from now on. */
  failureReason: string | undefined;
  /** The stack of what made it fail, for the log; "" where there is none. */
  failureTrace = "";
  /** What the task was refused, since no task can have it: a later failure may come from that. */
  denial: string | undefined;
  readonly logAllowance: LogAllowance = new LogAllowance();
  /** Log lines that were not written, for want of room or of allowance. */
  droppedLogLines = 0;
  readonly #abortController = new AbortController();
  readonly #writeLog: (run: TaskRun, line: TaskLogLine) => void;
  #printed: PrintedLines | undefined;
  #console: ConsoleState | undefined;

  constructor(
    message: RunMessage,
    task: LoadedTask,
    setup: Pick<TaskContext, "settings" | "maxResultBytes">,
    writeLog: (run: TaskRun, line: TaskLogLine) => void,
  ) {
    this.message = message;
    this.task = task;
    this.#writeLog = writeLog;
    const { jobId: id, jobName: name, taskName: task_name, runAtMs, attempt } = message;
    const job: TaskJob = { id, name, task_name, attempt };
    this.context = {
      signal: this.#abortController.signal,
      job: runAtMs === undefined ? job : { ...job, run_at: new Date(runAtMs).toISOString() },
      log: this.#makeLog(),
      settings: setup.settings,
      maxResultBytes: setup.maxResultBytes,
    };
  }

  #makeLog(): TaskLog {
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

  /** What it writes to its standard streams. */
  get printed(): PrintedLines {
    return this.#printed ??= new PrintedLines((level, line) => this.writeLog(level, line));
  }

  /** Logs what it has printed since the end of the last line. */
  flushPrinted(): void {
    this.#printed?.flush();
  }

  /** What its console remembers. */
  get console(): ConsoleState {
    return this.#console ??= createConsoleState();
  }

  /** The run is to fail with this reason; its signal aborts. False: it was to fail before, and that reason stays. */
  fail(reason: string, name: "TimeoutError" | "AbortError"): boolean {
    if (this.failureReason !== undefined) return false;
    this.failureReason = reason;
    this.#abortController.abort(new DOMException(reason, name));
    return true;
  }
}
