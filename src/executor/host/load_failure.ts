// The words for a task that cannot be loaded, with its file as the user knows it. Used at the start and by the pool.

import type { LoadFailure, LoadStep } from "../wire/load_messages.ts";

/** How long a module may take to load, in milliseconds. */
export const maxLoadMs = 10_000;

/** What cannot be loaded, where that is, why, and what to do; `workerUrl` is the module of the workers. */
export function loadFailureText(failure: LoadFailure, workerUrl: URL): string {
  const { taskName, file, line, reason } = failure;
  const what = taskName === "" ? "the table of tasks" : `the task ${JSON.stringify(taskName)}`;
  const where = file === "" ? "" : ` (${shownFile(file, workerUrl)}${line > 0 ? `:${line}` : ""})`;
  const shownReason = reason.replace(/\bfile:\/\/[^\s"')]+/g, (url) => shownFile(url, workerUrl));
  return `Cannot load ${what}${where}: it ${shownReason}`;
}

/** The failure of a module that has not loaded in time. */
export function hangingLoad(step: LoadStep): LoadFailure {
  const reason = `has not loaded within ${maxLoadMs / 1000} seconds: ` +
    "a top-level await or a loop of its module does not end";
  return { ...step, line: 0, reason };
}

/** The path from the working directory, or from the folder above that of the workers' module; else all of it. */
export function shownFile(url: string, workerUrl: URL): string {
  const folders = [`file://${encodeURI(Deno.cwd())}/`, new URL("../", workerUrl).href];
  const folder = folders.find((folder) => folder !== "file:///" && url.startsWith(folder));
  return decodeURI(folder === undefined ? url.replace(/^file:\/\//, "") : url.slice(folder.length));
}
