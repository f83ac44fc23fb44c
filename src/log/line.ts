// One log record as one line, as text or as JSON. Called by src/log/log.ts for every record. Pure.

import { errorMessage } from "../errors.ts";
import { escapeText, formatJson, quoteText, quoteUnlessPlain, redactSecrets } from "./text.ts";

/** How lines look: for people or for machines. */
export type LogFormat = "text" | "json";

/** How serious a record is. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";

/** What a line is made of. */
export interface LogRecord {
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  /** Its level. */
  readonly level: LogLevel;
  /** The part of the program that speaks: a plain word such as `http`. */
  readonly component: string;
  /** What happened, in any characters. */
  readonly message: string;
  /** An undefined field is left out; an Error gives its message, and its stack in a field beside it. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The longest line, in characters. Fields that do not fit are left out, and `cut=true` says so. */
const maxLineLength = 8192;
const cutFieldLength = ',"cut":true}'.length;
/** How many causes of an error are followed. */
const maxCauses = 4;

const levelLabels: Readonly<Record<LogLevel, string>> = {
  debug: "DEBUG",
  info: "INFO ",
  warn: "WARN ",
  error: "ERROR",
  fatal: "FATAL",
};
/** A field of such a name would stand beside the record's own: it gets a `_` at its end. */
const reservedKeys: ReadonlySet<string> = new Set(["time", "level", "component", "message", "cut"]);

/** The line of the record, without a line break at its end. */
export function formatLine(format: LogFormat, record: LogRecord): string {
  const { component, fields, level, timeMs } = record;
  const message = redactSecrets(record.message);
  const time = formatTime(timeMs);
  let line = format === "json"
    ? `{"time":"${time}","level":"${level}","component":"${component}","message":${
      quoteText(message)
    }`
    : `${time} ${levelLabels[level]} ${component}: ${escapeText(message)}`;
  let isCut = false;
  for (const name of Object.keys(fields)) {
    const written = formatField(format, reservedKeys.has(name) ? `${name}_` : name, fields[name]);
    if (line.length + written.length > maxLineLength - cutFieldLength) isCut = true;
    else line += written;
  }
  if (isCut) line += formatField(format, "cut", true);
  return format === "json" ? `${line}}` : line;
}

let lastTimeMs = NaN;
let lastTime = "";

/**
 * The time in RFC 3339, in UTC with milliseconds. It keeps the last answer: under load many lines share
 * a millisecond.
 */
export function formatTime(timeMs: number): string {
  if (timeMs !== lastTimeMs) {
    lastTime = new Date(timeMs).toISOString();
    lastTimeMs = timeMs;
  }
  return lastTime;
}

function formatField(format: LogFormat, key: string, value: unknown): string {
  if (value === undefined) return "";
  if (value instanceof Error) {
    const stackKey = key === "error" ? "stack" : `${key}_stack`;
    return formatField(format, key, errorMessage(value)) +
      formatField(format, stackKey, stackOf(value));
  }
  if (typeof value !== "string") {
    return format === "json"
      ? `,${quoteText(key)}:${formatJson(value)}`
      : ` ${quoteUnlessPlain(key)}=${formatJson(value)}`;
  }
  const text = redactSecrets(value);
  return format === "json"
    ? `,${quoteText(key)}:${quoteText(text)}`
    : ` ${quoteUnlessPlain(key)}=${quoteUnlessPlain(text)}`;
}

/** The stack of the error, then those of its causes. */
function stackOf(error: Error): string {
  const stacks: string[] = [];
  let current: unknown = error;
  while (current !== undefined && stacks.length <= maxCauses) {
    if (current instanceof Error) {
      stacks.push(current.stack ?? errorMessage(current));
      current = current.cause;
    } else {
      stacks.push(String(current));
      current = undefined;
    }
  }
  return stacks.join("\ncaused by: ");
}
