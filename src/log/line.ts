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
  /** The name of the node, for people who read the logs of several; undefined: it is not known yet. */
  readonly node: string | undefined;
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
const reservedKeys: ReadonlySet<string> = new Set([
  "time",
  "level",
  "component",
  "node",
  "message",
  "cut",
]);

/** What all records of one kind have in common. */
export type RecordKind = Pick<LogRecord, "level" | "component" | "node" | "message">;

/** The line of the record, without a line break at its end. */
export function formatLine(format: LogFormat, record: LogRecord): string {
  const { fields, timeMs } = record;
  let line = beginLine(format, formatTime(timeMs), record);
  let isCut = false;
  for (const name of Object.keys(fields)) {
    const written = formatField(format, reservedKeys.has(name) ? `${name}_` : name, fields[name]);
    if (line.length + written.length > maxLineLength - cutFieldLength) isCut = true;
    else line += written;
  }
  if (isCut) line += formatField(format, "cut", true);
  return format === "json" ? `${line}}` : line;
}

/** The line up to its first field. */
function beginLine(format: LogFormat, time: string, record: RecordKind): string {
  const { component, level, node } = record;
  const message = redactSecrets(record.message);
  if (format === "json") {
    const named = node === undefined ? "" : `,"node":${quoteText(node)}`;
    return `{"time":"${time}","level":"${level}","component":"${component}"${named},"message":${
      quoteText(message)
    }`;
  }
  const named = node === undefined ? "" : ` node=${quoteUnlessPlain(node)}`;
  return `${time} ${levelLabels[level]} ${component}: ${escapeText(message)}${named}`;
}

/**
 * The same lines as {@link formatLine}, for records of one kind that come by the thousand: what they have in
 * common is made once. The fields must be few and short; an undefined one is left out.
 */
export function createLineFormat(
  format: LogFormat,
  kind: RecordKind,
  fieldNames: readonly string[],
): (timeMs: number, values: readonly (string | number | undefined)[]) => string {
  const isJson = format === "json";
  const quote = isJson ? quoteText : quoteUnlessPlain;
  const keys = fieldNames.map((name) => isJson ? `,${quoteText(name)}:` : ` ${name}=`);
  const end = isJson ? "}" : "";
  let time = "";
  let beginning = "";
  const lastValues: (string | number | undefined)[] = fieldNames.map(() => undefined);
  const lastFields = fieldNames.map(() => "");
  return (timeMs, values) => {
    const recordTime = formatTime(timeMs);
    // Under load many records share a millisecond.
    if (recordTime !== time) {
      time = recordTime;
      beginning = beginLine(format, time, kind);
    }
    let line = beginning;
    for (let i = 0; i < keys.length; i++) {
      const value = values[i];
      // Nor are a task and an outcome often others than before.
      if (value !== lastValues[i]) {
        lastValues[i] = value;
        const written = typeof value === "string" ? quote(redactSecrets(value)) : value;
        lastFields[i] = value === undefined ? "" : `${keys[i]}${written}`;
      }
      line += lastFields[i];
    }
    return line + end;
  };
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
