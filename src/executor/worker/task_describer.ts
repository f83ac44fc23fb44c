// Answers a host that asks what tasks there are and what can be told of them. Loaded by a worker that only describes.

import { didYouMean } from "../../did_you_mean.ts";
import { describeTask } from "../../tasks/describe_task.ts";
import { problemsOfTask } from "../../tasks/loaded_task.ts";
import type { TaskDescription } from "../../tasks/description.ts";
import { problemsOfPermissions } from "../../tasks/permissions.ts";
import type {
  DescribeAnswer,
  DescribeRequest,
  LoadFailure,
  LoadStep,
  TableEntry,
} from "../wire/load_messages.ts";
import { describeLoadError } from "./load_error.ts";
import {
  isLazyTask,
  type LoadedTable,
  type LoadTable,
  loadTable,
  loadTask,
} from "./task_loader.ts";
import { thrownReason } from "./failure_text.ts";
import { taskHooks } from "./task_hooks.ts";

/** The longest name of a task, in characters. */
const maxNameLength = 255;
/** How many lines of its stack an error shows. */
const maxFrames = 100;
const lazyKeys = ["load", "permissions"];

/** Makes the function that answers requests; they come one at a time. */
export function createDescriber(
  load: LoadTable,
  tell: (answer: DescribeAnswer) => void,
): (request: DescribeRequest) => Promise<void> {
  // The package that a task imports stands below all those that this one requires.
  Error.stackTraceLimit = maxFrames;
  let table: LoadedTable | undefined;
  let lastStep: LoadStep = { taskName: "", file: "" };
  const onStep = (step: LoadStep) => {
    lastStep = step;
    tell({ kind: "loading", step });
  };
  async function answer(request: DescribeRequest): Promise<DescribeAnswer> {
    const { tasks, findsVariables } = request;
    if (table === undefined) {
      const loaded = await loadTable(load, onStep);
      if ("failure" in loaded) return { kind: "failed", failure: loaded.failure };
      table = loaded.value;
    }
    if (tasks === undefined) return { kind: "table", entries: readEntries(table) };
    const described: TaskDescription[] = [];
    const failures: LoadFailure[] = [];
    const refusedReads = new Map<string, unknown>();
    if (findsVariables) {
      taskHooks.refusedVariable = (name, error) => {
        if (!refusedReads.has(name)) refusedReads.set(name, error);
        return true; // So that the module goes on to the next one.
      };
    }
    for (const [name, permissions] of Object.entries(tasks)) {
      const loaded = await loadTask(table, name, onStep, didYouMean);
      const [firstRefusal] = refusedReads.values();
      if (firstRefusal !== undefined) {
        const variables = [...refusedReads.keys()];
        failures.push(describeLoadError(lastStep, firstRefusal, { variables }));
      } else if ("failure" in loaded) failures.push(loaded.failure);
      else described.push(await describeTask(loaded.value, permissions));
    }
    return { kind: "described", tasks: described, failures };
  }
  return async (request) => {
    try {
      tell(await answer(request));
    } catch (thrown) {
      // Without an answer the host would take it for a module that hangs.
      tell({ kind: "failed", failure: describeLoadError(lastStep, thrown) });
    }
  };
}

function readEntries({ tasks }: LoadedTable): TableEntry[] {
  return Object.keys(tasks).map((name) => {
    let isLazy = false;
    try {
      const entry: unknown = tasks[name];
      isLazy = isLazyTask(entry);
      const problems = [
        ...problemsOfName(name),
        ...isLazyTask(entry) ? problemsOfLazy(entry) : problemsOfTask(entry, didYouMean),
      ];
      const { permissions = {} } = Object(entry) as { permissions?: Deno.PermissionOptionsObject };
      return { name, isLazy, problems, permissions };
    } catch (thrown) {
      const problem = `cannot be read: ${thrownReason(thrown)}`;
      return { name, isLazy, permissions: {}, problems: [problem] };
    }
  });
}

function problemsOfName(name: string): string[] {
  return name.length >= 1 && name.length <= maxNameLength
    ? []
    : [`has a name of ${name.length} characters: 1 to ${maxNameLength} are allowed`];
}

function problemsOfLazy(entry: object): string[] {
  const { load, permissions } = entry as {
    readonly load?: unknown;
    readonly permissions?: unknown;
  };
  const problems = Object.keys(entry).filter((key) => !lazyKeys.includes(key)).map((key) => {
    const guess = didYouMean(key, lazyKeys) ||
      "; load and permissions are allowed, the rest belongs to its module";
    return `has ${key} beside its load${guess}`;
  });
  if (typeof load !== "function") {
    const seen = load === null ? "null" : typeof load;
    problems.push(
      `has a load that is ${seen}: a function such as () => import("./file.ts") is allowed`,
    );
  }
  return [...problems, ...problemsOfPermissions(permissions)];
}
