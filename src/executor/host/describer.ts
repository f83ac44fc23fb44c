// A worker that only describes: asks it and checks what it answers, since task code shares its thread. A module that
// hangs, or a worker that cannot be started, is a failure like any other.

import { errorMessage } from "../../errors.ts";
import type { TaskDescription } from "../../tasks/description.ts";
import { problemsOfPermissions } from "../../tasks/permissions.ts";
import { maxTimeoutMs } from "../../tasks/task.ts";
import type { DescribeRequest, LoadFailure, LoadStep, TableEntry } from "../wire/load_messages.ts";
import { hangingLoad, maxLoadMs, readLoadFailure, readLoadStep } from "./load_failure.ts";
import { noPermissions } from "./worker_thread.ts";

/** What became of the tasks of a set, each either described or not to be loaded. */
export interface SetDescription {
  readonly tasks: readonly TaskDescription[];
  readonly failures: readonly LoadFailure[];
}

/** A worker that describes; it does one thing at a time. */
export interface Describer {
  readTable(): Promise<{ readonly entries: readonly TableEntry[] } | { failure: LoadFailure }>;
  /**
   * Loads and describes the tasks of these entries, whose permissions the worker has. `findsVariables`: see
   * DescribeRequest.
   */
  describe(entries: readonly TableEntry[], findsVariables?: boolean): Promise<SetDescription>;
  close(): void;
}

/** What the worker told, as it came: `kind` is the only thing known of it. */
type Told = Readonly<Record<string, unknown>>;

/** Starts a worker that describes. `workerUrl` is a module that calls `serveTasks`. */
export function openDescriber(
  workerUrl: URL,
  permissions: Deno.PermissionOptionsObject,
): Describer {
  const worker = new Worker(workerUrl, {
    type: "module",
    deno: { permissions: { ...noPermissions, ...permissions } },
  });
  let step: LoadStep = { taskName: "", file: workerUrl.href };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: PromiseWithResolvers<Told> | undefined;
  let loss: LoadFailure | undefined;

  function fail(failure: LoadFailure): void {
    loss ??= failure;
    clearTimeout(timer);
    asked?.resolve({ kind: "failed", failure: loss });
  }
  function expectProgress(): void {
    clearTimeout(timer);
    timer = setTimeout(() => fail(hangingLoad(step)), maxLoadMs);
  }
  worker.onmessage = ({ data }: MessageEvent<unknown>) => {
    try {
      const told = Object(JSON.parse(String(data))) as Told;
      if (told.kind === "loading") {
        step = readLoadStep(told.step);
        expectProgress();
      } else {
        clearTimeout(timer);
        asked?.resolve(told);
      }
    } catch (thrown) {
      fail(garbled(step, errorMessage(thrown)));
    }
  };
  worker.onerror = (event) => {
    // Without this the error would end the whole process.
    event.preventDefault();
    fail({ ...step, line: 0, reason: `cannot be loaded by a worker: ${event.message}` });
  };

  async function ask(request: DescribeRequest): Promise<Told> {
    if (loss !== undefined) return { kind: "failed", failure: loss };
    asked = Promise.withResolvers();
    expectProgress();
    worker.postMessage(request);
    return await asked.promise;
  }
  return {
    async readTable() {
      const told = await ask({ kind: "describe" });
      try {
        return told.kind === "table"
          ? { entries: list(told.entries).map(readEntry) }
          : { failure: readFailure(told) };
      } catch (thrown) {
        return { failure: garbled(step, errorMessage(thrown)) };
      }
    },
    async describe(entries, findsVariables = false) {
      if (entries.length === 0) return { tasks: [], failures: [] };
      const tasks = Object.fromEntries(
        entries.map(({ name, permissions }) => [name, permissions]),
      );
      const told = await ask({ kind: "describe", tasks, findsVariables });
      try {
        return told.kind === "described"
          ? readSet(told, entries)
          : { tasks: [], failures: [readFailure(told)] };
      } catch (thrown) {
        return { tasks: [], failures: [garbled(step, errorMessage(thrown))] };
      }
    },
    close() {
      clearTimeout(timer);
      worker.terminate();
    },
  };
}

function garbled(step: LoadStep, problem: string): LoadFailure {
  const reason = `cannot be described, since its worker told ${problem}: ` +
    "does a module change built-in objects?";
  return { ...step, line: 0, reason };
}

function readFailure({ kind, failure }: Told): LoadFailure {
  if (kind !== "failed") throw new Error("something that is no answer");
  return readLoadFailure(failure);
}

/** Every task of the set is in the description, once. */
function readSet(told: Told, entries: readonly TableEntry[]): SetDescription {
  const failures = list(told.failures).map(readLoadFailure);
  const failed = failures.map(({ taskName }) => taskName);
  const described = list(told.tasks).map(Object) as Told[];
  const tasks = entries.filter(({ name }) => !failed.includes(name)).map((entry) => {
    const description = described.find(({ name }) => name === entry.name);
    if (description === undefined) throw new Error(`nothing of the task ${entry.name}`);
    return readDescription(entry, description);
  });
  return { tasks, failures };
}

function readEntry(told: unknown): TableEntry {
  const { name, isLazy, problems, permissions } = Object(told) as Partial<TableEntry>;
  if (typeof name !== "string") throw new Error("an entry of the table without a name");
  const found = list(problems).map(String);
  return {
    name,
    isLazy: isLazy === true,
    permissions: permissions ?? {},
    // Once more: with what a worker says alone, no permissions are given out.
    problems: found.length > 0 ? found : problemsOfPermissions(permissions),
  };
}

function readDescription({ name, permissions }: TableEntry, told: Told): TaskDescription {
  const { timeoutMs, hasParamsSchema, paramsSchema, paramsChecked } = told as Partial<
    TaskDescription
  >;
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0 && timeoutMs <= maxTimeoutMs)) {
    throw new Error(`the timeout ${timeoutMs} of the task ${name}`);
  }
  const hasJson = typeof paramsSchema === "object" && paramsSchema !== null;
  return {
    name,
    permissions,
    timeoutMs,
    hasParamsSchema: hasParamsSchema === true,
    ...(hasJson ? { paramsSchema } : {}),
    ...(hasParamsSchema === true
      ? { paramsChecked: hasJson && paramsChecked === "submit" ? "submit" : "run" }
      : {}),
  };
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error("no list where there must be one");
  return value;
}
