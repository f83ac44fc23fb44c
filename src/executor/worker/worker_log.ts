// What a worker logs: the lines of its tasks, whichever way they came about, each a frame with the run that it
// belongs to. Lines that come too fast are dropped, counted, and told at the end of their run.

import { FrameKind } from "../wire/frames.ts";
import type { FrameSink } from "./frame_sink.ts";
import { LogAllowance } from "./log_allowance.ts";
import { PrintedLines } from "./printed_lines.ts";
import { type ConsoleState, createConsoleState, type LogLevel } from "./task_hooks.ts";
import type { TaskLogLine, TaskRun } from "./task_run.ts";

// Captured before any task code is loaded: what a task makes of the built-in objects changes nothing here.
const { Error, String } = globalThis;
const { stringify } = JSON;
const steadyNow = performance.now.bind(performance);

/** The longest log line with its fields, in characters of JSON. */
const maxLineLength = 32_768;
/** The longest message where no run is known, in characters. */
const maxStrayLength = 4_096;

/** How many tasks are named where no run is known. */
const maxStrayTasks = 3;

/** What the log of a worker asks the task server. */
export interface WorkerLogOptions {
  readonly sink: FrameSink;
  /** The run that calls, by its async context; undefined where nobody knows which that is. */
  readonly callingRun: () => TaskRun | undefined;
  readonly isRunning: (run: TaskRun) => boolean;
  /** There is something to tell the host. */
  readonly onWritten: () => void;
}

/** The log of a worker. */
export class WorkerLog {
  readonly #options: WorkerLogOptions;
  // For what belongs to no run: a module that is loaded prints, or a socket that outlived its run.
  readonly #strayPrinted = new PrintedLines((level, line) => this.#logStray(level, line));
  readonly #strayConsole = createConsoleState();
  readonly #strayAllowance = new LogAllowance();
  #strayDropped = 0;
  /** The tasks that a line of no run may come from: the one whose module is being loaded, later all of the worker. */
  strayTasks: readonly string[] = [];

  constructor(options: WorkerLogOptions) {
    this.#options = options;
  }

  /** Logs for the run that calls. */
  log(level: LogLevel, message: string): void {
    const run = this.#options.callingRun();
    if (run !== undefined) run.writeLog(level, message);
    else this.#logStray(level, message);
  }

  /** Logs the lines that the run that calls has printed. */
  print(stream: "stdout" | "stderr", bytes: Uint8Array): void {
    const run = this.#options.callingRun();
    const printed = run?.printed ?? this.#strayPrinted;
    printed.add(stream, bytes);
    // Nothing tells when the rest of the line would have to come.
    if (run === undefined || !this.#options.isRunning(run)) printed.flush();
  }

  /** What the console of the run that calls remembers. */
  consoleState(): ConsoleState {
    return this.#options.callingRun()?.console ?? this.#strayConsole;
  }

  /** Writes a line of a run. */
  writeLine(run: TaskRun, { level, message, fields }: TaskLogLine): void {
    const { number, jobId: job_id, taskName: task } = run.message;
    const isRunning = this.#options.isRunning(run);
    // The host no longer knows a run that has ended.
    const origin = isRunning ? {} : { job_id, task };
    const textWith = (written: object | undefined) =>
      stringify({ level, message, fields: { ...written, ...origin } }, toJson);
    let text: string;
    try {
      text = textWith(fields);
      if (text.length > maxLineLength) text = textWith({ dropped: "the fields are too large" });
    } catch {
      // Fields that cannot be JSON must not fail the job; the message still tells something.
      text = textWith({ dropped: "the fields are no JSON" });
    }
    if (run.logAllowance.take(text.length, steadyNow()) && this.#write(number, text)) return;
    if (isRunning) run.droppedLogLines += 1;
    else this.#dropStray();
  }

  /** Writes what is left to tell of a run that ends. */
  endRun(run: TaskRun): void {
    run.flushPrinted();
    if (run.droppedLogLines === 0) return;
    this.#writeSurely(run.message.number, "warn", droppedMessage(run.droppedLogLines));
    run.droppedLogLines = 0;
  }

  /** Tells what was dropped of lines that belong to no run, as far as their allowance goes. */
  flush(): void {
    if (this.#strayDropped === 0) return;
    const message = droppedMessage(this.#strayDropped);
    if (!this.#strayAllowance.take(message.length, steadyNow())) return;
    this.#writeSurely(0, "warn", message);
    this.#strayDropped = 0;
  }

  #logStray(level: LogLevel, message: string): void {
    const fields = { task: namesOf(this.strayTasks) };
    const text = stringify({ level, message: message.slice(0, maxStrayLength), fields });
    if (this.#strayAllowance.take(text.length, steadyNow()) && this.#write(0, text)) return;
    this.#dropStray();
  }

  #dropStray(): void {
    this.#strayDropped += 1;
    // So that the count is told also where nothing more is written.
    this.#options.onWritten();
  }

  #writeSurely(number: number, level: LogLevel, message: string): void {
    this.#options.sink.write(FrameKind.Log, number, 0, 0, stringify({ level, message }));
  }

  #write(number: number, text: string): boolean {
    this.#options.onWritten();
    return this.#options.sink.write(FrameKind.Log, number, 0, 0, text, true);
  }
}

/** The first names and how many more there are; undefined: none. */
function namesOf(tasks: readonly string[]): string | undefined {
  let text: string | undefined;
  for (let i = 0; i < tasks.length && i < maxStrayTasks; i++) {
    text = text === undefined ? `${tasks[i]}` : `${text}, ${tasks[i]}`;
  }
  return tasks.length > maxStrayTasks ? `${text} and ${tasks.length - maxStrayTasks} more` : text;
}

function droppedMessage(count: number): string {
  return `${count} log lines were dropped: they came too fast`;
}

/** What a log line holds of a value for which JSON has nothing, or no more than `{}`. */
function toJson(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.stack ?? String(value);
  return typeof value === "bigint" ? String(value) : value;
}
