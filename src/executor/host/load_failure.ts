// What workers tell of modules that they load: read with care, since task code shares their thread, and put into words
// with the file as the user knows it. Used at the start and by the pool.

import type { LoadFailure, LoadStep } from "../wire/load_messages.ts";

/** How long a module may take to load, in milliseconds. */
export const maxLoadMs = 10_000;

/** The longest text of a worker that is shown, in characters. */
const maxTextLength = 2_000;

/** The step that a worker told, parsed. Throws where it is none. */
export function readLoadStep(told: unknown): LoadStep {
  const { taskName, file } = Object(told) as Partial<LoadStep>;
  return { taskName: text(taskName), file: text(file) };
}

/** The failure that a worker told, parsed. Throws where it is none. */
export function readLoadFailure(told: unknown): LoadFailure {
  const { line, reason, isRefusedVariable } = Object(told) as Partial<LoadFailure>;
  return {
    ...readLoadStep(told),
    line: Number.isInteger(line) ? line! : 0,
    reason: text(reason),
    isRefusedVariable: isRefusedVariable === true,
  };
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Error(`no text but ${typeof value}`);
  return value.slice(0, maxTextLength);
}

/** The failure of a module that has not loaded in time. */
export function hangingLoad(step: LoadStep): LoadFailure {
  const reason = `has not loaded within ${maxLoadMs / 1000} seconds: ` +
    "a top-level await or a loop of the module does not end";
  return { ...step, line: 0, reason };
}

/** What cannot be loaded, where that is, why, and what to do. `workerUrl` is the module of the workers. */
export function loadFailureText(failure: LoadFailure, workerUrl: URL): string {
  const { taskName, file, line, reason } = failure;
  const table = file === workerUrl.href ? "the module of the workers" : "the table of tasks";
  const what = taskName === "" ? table : `the task ${JSON.stringify(taskName)}`;
  const where = file === "" ? "" : ` (${shownFile(file, workerUrl)}${line > 0 ? `:${line}` : ""})`;
  const shown = reason.replace(/\bfile:\/\/[^\s"')]+/g, (url) => shownFile(url, workerUrl));
  return `Cannot load ${what}${where}: it ${shown}`;
}

/** The path from the working directory, or from the folder above that of the workers' module; else all of it. */
function shownFile(url: string, workerUrl: URL): string {
  const folders = [`file://${encodeURI(Deno.cwd())}/`, new URL("../", workerUrl).href];
  const folder = folders.find((folder) => folder !== "file:///" && url.startsWith(folder));
  const path = folder === undefined ? url.replace(/^file:\/\//, "") : url.slice(folder.length);
  try {
    return decodeURI(path);
  } catch {
    return path; // It came from the text of a module, where it may be anything.
  }
}
