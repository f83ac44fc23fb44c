// Learns from workers what tasks there are: the server itself loads no task code. A worker without permissions reads
// the table, then one worker for each set of permissions loads and describes the tasks of that set, and ends.

import { errorMessage, ValetError } from "../../errors.ts";
import type { TaskDescription } from "../../tasks/description.ts";
import { permissionsKey } from "../../tasks/permissions.ts";
import type { LoadFailure, TableEntry } from "../wire/load_messages.ts";
import { type Describer, openDescriber, type SetDescription } from "./describer.ts";
import { loadFailureText } from "./load_failure.ts";

/** The tasks of an executable, as workers describe them. */
export interface DescribedTasks {
  readonly tasks: ReadonlyMap<string, TaskDescription>;
  /** What whoever wrote the table should know; undefined: nothing. */
  readonly notice: string | undefined;
}

/** Workers that describe at the same time. */
const maxDescribers = 4;

/**
 * Describes the tasks. `workerUrl` is a module that calls `serveTasks`.
 *
 * @throws ValetError `invalid_config` that lists every entry of the table that is wrong, or every task that
 * cannot be loaded.
 */
export async function describeTasks(workerUrl: URL): Promise<DescribedTasks> {
  const reader = openDescriber(workerUrl, {});
  try {
    const entries = await readTable(reader, workerUrl);
    return await describeEntries(entries, reader, workerUrl);
  } finally {
    reader.close();
  }
}

async function readTable(reader: Describer, workerUrl: URL): Promise<readonly TableEntry[]> {
  const read = await reader.readTable();
  if ("failure" in read) throw invalidTable([problemOf(read.failure, workerUrl)]);
  const problems = read.entries.flatMap(({ name, problems }) =>
    problems.map((problem) => ({
      path: name,
      message: `Cannot register the task ${JSON.stringify(name)}: it ${problem}`,
    }))
  );
  if (problems.length > 0) throw invalidTable(problems);
  return read.entries;
}

async function describeEntries(
  entries: readonly TableEntry[],
  reader: Describer,
  workerUrl: URL,
): Promise<DescribedTasks> {
  const sets = Map.groupBy(entries, ({ permissions }) => permissionsKey(permissions));
  const plainSet = sets.get(permissionsKey({})) ?? [];
  const otherSets = [...sets.values()].filter((set) => set !== plainSet);
  const results: SetDescription[] = [];
  async function describeOthers(): Promise<void> {
    for (let set = otherSets.shift(); set !== undefined; set = otherSets.shift()) {
      results.push(await describeSet(set, workerUrl));
    }
  }
  await Promise.all([
    ...Array.from({ length: Math.min(maxDescribers, otherSets.length) }, describeOthers),
    // The worker that has read the table has no permissions either.
    reader.describe(plainSet).then((set) => results.push(set)),
  ]);
  const places = new Map(entries.map(({ name }, index) => [name, index]));
  const inOrder = <Item>(items: Item[], nameOf: (item: Item) => string) =>
    items.sort((one, other) => places.get(nameOf(one))! - places.get(nameOf(other))!);
  const failures = inOrder(results.flatMap(({ failures }) => failures), ({ taskName }) => taskName);
  if (failures.length > 0) {
    const problems: Problem[] = [];
    for (const failure of failures) {
      const entry = entries[places.get(failure.taskName)!];
      const told = failure.isRefusedVariable && entry !== undefined
        ? await findVariables(failure, entry, workerUrl)
        : failure;
      problems.push(problemOf(told, workerUrl));
    }
    throw invalidTable(problems);
  }
  const tasks = inOrder(results.flatMap(({ tasks }) => tasks), ({ name }) => name);
  return {
    tasks: new Map(tasks.map((task) => [task.name, task])),
    notice: noticeOf(entries, sets.size),
  };
}

/** Describes the tasks of these entries, which have the same permissions. */
async function describeSet(
  set: readonly TableEntry[],
  workerUrl: URL,
): Promise<SetDescription> {
  const { permissions } = set[0]!;
  let describer: Describer;
  try {
    describer = openDescriber(workerUrl, permissions);
  } catch (thrown) {
    const why = thrown instanceof Deno.errors.NotCapable
      ? "the process of Valet does not have them itself; start it with the flags of deno task start"
      : errorMessage(thrown);
    const reason = `cannot have the permissions ${JSON.stringify(permissions)}: ${why}`;
    const failures = set.map(({ name }) => ({ taskName: name, file: "", line: 0, reason }));
    return { tasks: [], failures };
  }
  return await describer.describe(set).finally(() => describer.close());
}

/**
 * The failure with every variable that the module reads without permission, as a second worker finds them: of a
 * package that reads five, nobody has to declare one after the other.
 */
async function findVariables(
  failure: LoadFailure,
  entry: TableEntry,
  workerUrl: URL,
): Promise<LoadFailure> {
  const finder = openDescriber(workerUrl, entry.permissions);
  const { failures } = await finder.describe([entry], true).finally(() => finder.close());
  return failures.find(({ isRefusedVariable }) => isRefusedVariable) ?? failure;
}

interface Problem {
  /** The name of the task; empty: all of them. */
  readonly path: string;
  readonly message: string;
}

function problemOf(failure: LoadFailure, workerUrl: URL): Problem {
  return { path: failure.taskName, message: loadFailureText(failure, workerUrl) };
}

function invalidTable(details: readonly Problem[]): ValetError {
  const list = details.map(({ message }) => message).join("; ");
  return new ValetError("invalid_config", list, { details });
}

/** One line where the table loads modules in workers that they are not for. */
function noticeOf(entries: readonly TableEntry[], setCount: number): string | undefined {
  const names = entries.filter(({ isLazy }) => !isLazy).map(({ name }) => name);
  if (names.length === 0 || setCount < 2) return undefined;
  const shown = names.length > 5 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  return `the table of tasks imports ${
    shown.join(", ")
  } itself, so that the workers of all ${setCount} sets of ` +
    "permissions load these modules; " +
    'name: { load: () => import("./file.ts"), permissions } loads one only where it is needed';
}
