// Logger set-up, and the only place that writes log lines. Every part of the server logs through
// getLogger; main configures first and flushes last. A message never holds a secret.

import { ALogger } from "@thi.ng/logger/alogger";
import { type LogEntry, LogLevel as LevelNumber } from "@thi.ng/logger/api";
import {
  createLineFormat,
  formatLine,
  type LogFormat,
  type LogLevel,
  type RecordKind,
} from "./line.ts";
import { createLineWriter, type LineWriter } from "./writer.ts";

/** Writes records of one component. `fields` are what varies: ids, counts, an error as `error`. */
export interface Logger {
  /** What a developer wants to see: one for every job. */
  debug(message: string, fields?: Record<string, unknown>): void;
  /** What an operator wants to see. */
  info(message: string, fields?: Record<string, unknown>): void;
  /** What did not work, and the server goes on: a failed job, a lost connection. */
  warn(message: string, fields?: Record<string, unknown>): void;
  /** What someone must look into. */
  error(message: string, fields?: Record<string, unknown>): void;
  /** Why the process ends. */
  fatal(message: string, fields?: Record<string, unknown>): void;
  /** Whether such a record would be written: ask before building costly fields. */
  isEnabledFor(level: "debug" | "info"): boolean;
}

/** How and what to log. */
export interface LoggingOptions {
  /** How every line looks. */
  readonly format: LogFormat;
  /** Records below this level are not made. */
  readonly level: Exclude<LogLevel, "fatal">;
  /** The name of the node, which stands in every record. */
  readonly nodeName?: string;
  /** Takes whole lines in UTF-8, one batch at a time. Default: standard output. */
  readonly write?: (lines: Uint8Array<ArrayBuffer>) => void | Promise<void>;
}

/** What the logger compares; it has no name for the last one. */
const levelNumbers: Readonly<Record<LogLevel, LevelNumber>> = {
  debug: LevelNumber.DEBUG,
  info: LevelNumber.INFO,
  warn: LevelNumber.WARN,
  error: LevelNumber.SEVERE,
  fatal: LevelNumber.SEVERE,
};

/** Logs the records of one component. */
class ComponentLogger extends ALogger {
  logAs(level: LogLevel, message: string, fields: Record<string, unknown> = {}): void {
    this.log(levelNumbers[level], [level, message, fields]);
  }

  override logEntry([, component, timeMs, level, message, fields]: LogEntry): void {
    const node = nodeName;
    writer.push(formatLine(format, { timeMs, level, component, node, message, fields }));
  }

  override childLogger(component: string, level = this.level) {
    return Object.assign(new ComponentLogger(component, level), { parent: this });
  }
}

const loggers = new Map<string, ComponentLogger>();
/** Nothing is logged before the set-up. */
let lowest = LevelNumber.NONE;

let format: LogFormat = "text";
let nodeName: string | undefined;
/** Changes with every set-up. */
let setUp = {};
let write: LoggingOptions["write"] = writeToStdout;
let writer: LineWriter = createLineWriter(writeToStdout, describeDropped);

/**
 * Starts logging. Until then nothing is logged, so call it before anything else, and again once the
 * configuration is known: a later call replaces the earlier one, and no line is lost between them.
 */
export function configureLogging(options: LoggingOptions): void {
  format = options.format;
  nodeName = options.nodeName;
  setUp = {};
  if (write !== (options.write ?? writeToStdout)) {
    void writer.flush();
    write = options.write ?? writeToStdout;
    writer = createLineWriter(write, describeDropped);
  }
  lowest = levelNumbers[options.level];
  for (const logger of loggers.values()) logger.level = lowest;
}

/**
 * The logger of one component (`http`, `scheduler`, ...). A message is plain text, written as it is:
 * what varies goes into the fields, an error into the field `error`.
 */
export function getLogger(component: string): Logger {
  const logger = loggers.get(component) ?? new ComponentLogger(component, lowest);
  loggers.set(component, logger);
  return {
    debug: (message, fields) => logger.logAs("debug", message, fields),
    info: (message, fields) => logger.logAs("info", message, fields),
    warn: (message, fields) => logger.logAs("warn", message, fields),
    error: (message, fields) => logger.logAs("error", message, fields),
    fatal: (message, fields) => logger.logAs("fatal", message, fields),
    isEnabledFor: (level) => logger.enabled(levelNumbers[level]),
  };
}

/**
 * A function that logs records of one kind, past the logger: for those that come by the thousand, such as one a
 * request. The fields must be few and short; the line is made later, with others.
 */
export function createRecordLog(
  { level, component, message }: Omit<RecordKind, "node">,
  fieldNames: readonly string[],
): (timeMs: number, values: readonly (string | number | undefined)[]) => void {
  let madeFor: object | undefined;
  let toLine: ReturnType<typeof createLineFormat>;
  return (timeMs, values) => {
    if (levelNumbers[level] < lowest) return;
    if (madeFor !== setUp) {
      madeFor = setUp;
      toLine = createLineFormat(format, { level, component, node: nodeName, message }, fieldNames);
    }
    const toLineNow = toLine;
    writer.push(() => toLineNow(timeMs, values));
  };
}

/** Returns when everything logged so far is written, or after a second if it cannot be. */
export function flushLogs(): Promise<void> {
  return writer.flush();
}

function describeDropped(count: number): string {
  return formatLine(format, {
    timeMs: Date.now(),
    level: "warn",
    component: "log",
    node: nodeName,
    message: "lines of the log were dropped: standard output is closed or too slow",
    fields: { count },
  });
}

async function writeToStdout(bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    offset += await Deno.stdout.write(bytes.subarray(offset));
  }
}
