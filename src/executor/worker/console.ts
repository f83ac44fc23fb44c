// The console as tasks see it: each call is a line of the log.

import type { format as formatValues } from "node:util";
import { replace } from "./refusals.ts";
import { type LogLevel, taskHooks } from "./task_hooks.ts";

const { String } = globalThis;
const { max } = Math;
const now = performance.now.bind(performance);

const methods: readonly (readonly [name: string, level: LogLevel])[] = [
  ["log", "info"],
  ["info", "info"],
  ["debug", "info"],
  ["dirxml", "info"],
  ["table", "info"],
  ["warn", "warn"],
  ["error", "error"],
];

/** Replaces the functions of the console. `format` is that of `node:util`. */
export function replaceConsole(format: typeof formatValues): void {
  const write = (level: LogLevel, values: readonly unknown[]) => {
    const indent = "  ".repeat(taskHooks.consoleState().groupDepth);
    taskHooks.log(level, indent + formatSafely(format, values));
  };
  for (const [name, level] of methods) {
    replace(console, name, (...values: unknown[]) => write(level, values));
  }
  // What follows the value are options for a terminal.
  replace(console, "dir", (value: unknown) => write("info", [value]));
  replace(console, "assert", (isTrue: unknown, ...values: unknown[]) => {
    if (!isTrue) write("error", ["assertion failed", ...values]);
  });
  replace(console, "trace", function trace(...values: unknown[]) {
    const place = { name: "Trace", message: formatSafely(format, values) } as Error;
    Error.captureStackTrace(place, trace);
    write("info", [String(place.stack)]);
  });
  for (const name of ["group", "groupCollapsed"]) {
    replace(console, name, (...values: unknown[]) => {
      if (values.length > 0) write("info", values);
      taskHooks.consoleState().groupDepth += 1;
    });
  }
  replace(console, "groupEnd", () => {
    const state = taskHooks.consoleState();
    state.groupDepth = max(0, state.groupDepth - 1);
  });
  replaceCountsAndTimers(write);
  replace(console, "clear", () => {});
}

function replaceCountsAndTimers(
  write: (level: LogLevel, values: readonly unknown[]) => void,
): void {
  replace(console, "count", (label: unknown = "default") => {
    const { counts } = taskHooks.consoleState();
    const count = (counts.get(String(label)) ?? 0) + 1;
    counts.set(String(label), count);
    write("info", [`${String(label)}: ${count}`]);
  });
  replace(console, "countReset", (label: unknown = "default") => {
    taskHooks.consoleState().counts.delete(String(label));
  });
  replace(console, "time", (label: unknown = "default") => {
    taskHooks.consoleState().startedAtMs.set(String(label), now());
  });
  const writeTime = (label: string, values: readonly unknown[]) => {
    const startedAtMs = taskHooks.consoleState().startedAtMs.get(label);
    if (startedAtMs === undefined) return write("warn", [`there is no timer "${label}"`]);
    write("info", [`${label}: ${(now() - startedAtMs).toFixed(1)} ms`, ...values]);
  };
  replace(console, "timeLog", (label: unknown = "default", ...values: unknown[]) => {
    writeTime(String(label), values);
  });
  replace(console, "timeEnd", (label: unknown = "default") => {
    writeTime(String(label), []);
    taskHooks.consoleState().startedAtMs.delete(String(label));
  });
}

function formatSafely(format: typeof formatValues, values: readonly unknown[]): string {
  try {
    return format(...values);
  } catch {
    // A getter or a proxy of the task's own making threw.
    return "(a value that cannot be shown)";
  }
}
