// Loads the table of tasks and the modules of tasks, telling before each which one it is: a module that hangs can then
// be named. Runs inside the worker.

import type { didYouMean } from "../../did_you_mean.ts";
import { type LoadedTask, loadedTask, problemsOfTask } from "../../tasks/loaded_task.ts";
import type { LazyTask, Task, TaskTable } from "../../tasks/task.ts";
import type { LoadFailure, LoadStep } from "../wire/load_messages.ts";
import { takeDenial } from "./denials.ts";
import { setReadableNames } from "./environment.ts";
import { describeLoadError } from "./load_error.ts";

/** Gives the module of the table of tasks: `() => import("./mod.ts")`. */
export type LoadTable = () => Promise<{ readonly tasks: TaskTable }>;

const missingTable = "has no export tasks that is an object: " +
  'export const tasks = { name: { load: () => import("./file.ts") } } is allowed';

/** The table of tasks, loaded. */
export interface LoadedTable {
  readonly tasks: TaskTable;
  /** The URL of its module as far as it is known, else empty. */
  readonly file: string;
}

/** What was loaded, or why it could not be. */
export type Loaded<Value> =
  | { readonly value: Value }
  | { readonly failure: LoadFailure };

/** Loads the table of tasks. */
export async function loadTable(
  load: LoadTable,
  onStep: (step: LoadStep) => void,
): Promise<Loaded<LoadedTable>> {
  const file = importedFile(load, globalThis.location?.href ?? "");
  const step = { taskName: "", file };
  onStep(step);
  try {
    const { tasks } = await load();
    if (typeof tasks === "object" && tasks !== null && !Array.isArray(tasks)) {
      return { value: { tasks, file } };
    }
  } catch (thrown) {
    return { failure: describeLoadError(step, thrown) };
  }
  return { failure: { ...step, line: 0, reason: missingTable } };
}

/**
 * Loads a task of the table.
 *
 * @param guess finds what a misspelt key of a definition was to be; see problemsOfTask.
 */
export async function loadTask(
  { tasks, file: tableFile }: LoadedTable,
  name: string,
  onStep: (step: LoadStep) => void,
  guess?: typeof didYouMean,
): Promise<Loaded<LoadedTask>> {
  let step: LoadStep = { taskName: name, file: tableFile };
  try {
    const entry = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
    const isLazy = isLazyTask(entry);
    if (isLazy) step = { taskName: name, file: importedFile(entry.load, tableFile) };
    onStep(step);
    const { permissions } = Object(entry) as { permissions?: { readonly env?: unknown } };
    setReadableNames(permissions?.env);
    takeDenial();
    const { task, problems } = isLazy
      ? exportedTask(await entry.load(), name)
      : { task: entry, problems: [] };
    const all = problems.length > 0 ? problems : problemsOfTask(task, guess);
    if (isLazy && hasPermissions(task)) all.push(misplacedPermissions);
    return all.length === 0
      ? { value: loadedTask(name, task as Task) }
      : { failure: { ...step, line: 0, reason: all.join("; it ") } };
  } catch (thrown) {
    return { failure: describeLoadError(step, thrown, { denial: takeDenial() }) };
  }
}

/** Whether the entry of the table has `load`. */
export function isLazyTask(entry: unknown): entry is LazyTask {
  return typeof entry === "object" && entry !== null && Object.hasOwn(entry, "load");
}

const misplacedPermissions =
  "declares permissions in its module, where they are known only once it is loaded; " +
  "they belong beside its load in the table of tasks";

function hasPermissions(task: unknown): boolean {
  return typeof task === "object" && task !== null &&
    (task as { permissions?: unknown }).permissions !== undefined;
}

/** What the module of a lazy entry exports as the task. */
function exportedTask(module: unknown, name: string): { task: unknown; problems: string[] } {
  if (typeof module !== "object" || module === null) {
    const problem =
      `has a load that gives no module but ${module === null ? "null" : typeof module}: ` +
      '() => import("./file.ts") is allowed';
    return { task: undefined, problems: [problem] };
  }
  const exports = module as Readonly<Record<string, unknown>>;
  const task = exports.default ?? exports[name];
  if (task !== undefined) return { task, problems: [] };
  const names = Object.keys(exports).join(", ");
  const problem = `exports ${names === "" ? "nothing" : `only ${names}`}: ` +
    `the task as default or under the name ${name} is allowed`;
  return { task: undefined, problems: [problem] };
}

/** The URL of the module that a function imports, read from its text; empty where that does not tell. */
function importedFile(load: unknown, base: string): string {
  const specifier = /\bimport\(\s*(["'`])([^"'`]+)\1/.exec(String(load))?.[2];
  return specifier === undefined || !URL.canParse(specifier, base)
    ? ""
    : new URL(specifier, base).href;
}
