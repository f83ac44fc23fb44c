// Learns from workers what tasks there are: the server itself loads no task code. A worker without permissions reads
// the table, then one worker for each set of permissions loads and describes the tasks of that set, and ends.

import { ValetError } from "../../errors.ts";
import type { TaskDescription } from "../../tasks/description.ts";
import { permissionsKey, problemsOfPermissions } from "../../tasks/permissions.ts";
import type {
  DescribeAnswer,
  DescribeRequest,
  LoadStep,
  TableEntry,
} from "../wire/load_messages.ts";
import { hangingLoad, loadFailureText, maxLoadMs, shownFile } from "./load_failure.ts";
import { noPermissions } from "./worker_thread.ts";

/** The tasks of an executable, as workers describe them. */
export interface DescribedTasks {
  readonly tasks: ReadonlyMap<string, TaskDescription>;
  /** What somebody should know who wrote the table; undefined: nothing. */
  readonly notice: string | undefined;
}

/** Workers that describe at the same time; each start of one holds the thread up for 15 to 50 ms. */
const maxDescribers = 4;

/**
 * Describes the tasks. `workerUrl` is a module that calls `serveTasks`.
 *
 * @throws ValetError `invalid_config` that lists every entry of the table that is wrong and every task that
 * cannot be loaded.
 */
export async function describeTasks(workerUrl: URL): Promise<DescribedTasks> {
  const reader = openDescriber(workerUrl, {});
  try {
    const entries = await readTable(reader);
    const sets = permissionSets(entries);
    const plain = permissionsKey({});
    const others = [...sets.keys()].filter((key) => key !== plain);
    const described: SetDescription[] = [];
    const describeOthers = async () => {
      for (let key = others.shift(); key !== undefined; key = others.shift()) {
        described.push(await describeSet(workerUrl, sets.get(key) as TableEntry[]));
      }
    };
    const plainTasks = sets.get(plain);
    const helpers = Array.from({ length: Math.min(maxDescribers, others.length) }, describeOthers);
    if (plainTasks !== undefined) described.push(await askForSet(reader, plainTasks));
    await Promise.all(helpers);
    const problems = described.flatMap(({ problems }) => problems);
    if (problems.length > 0) throw invalidTable(problems);
    const byName = new Map(
      described.flatMap(({ tasks }) => tasks).map((task) => [task.name, task]),
    );
    return {
      // In the order of the table.
      tasks: new Map(entries.map(({ name }) => [name, byName.get(name) as TaskDescription])),
      notice: noticeOf(entries, sets.size),
    };
  } finally {
    reader.close();
  }
}

interface Problem {
  /** The name of the task; empty: all of them. */
  readonly path: string;
  readonly message: string;
}

interface SetDescription {
  readonly tasks: readonly TaskDescription[];
  readonly problems: readonly Problem[];
}

function invalidTable(details: readonly Problem[]): ValetError {
  return new ValetError("invalid_config", details.map(({ message }) => message).join("; "), {
    details,
  });
}

async function readTable(reader: Describer): Promise<readonly TableEntry[]> {
  const answer = await reader.ask({ kind: "describe" });
  if (answer.kind !== "table") throw invalidTable([reader.problemOf(answer)]);
  const problems = answer.entries.flatMap(({ name, permissions, problems }) =>
    // Once more, since a worker's word is not enough to hand out permissions.
    (problems.length > 0 ? problems : problemsOfPermissions(permissions)).map((problem) => ({
      path: name,
      message: `Cannot register the task ${JSON.stringify(name)}: it ${problem}`,
    }))
  );
  if (problems.length > 0) throw invalidTable(problems);
  return answer.entries;
}

function permissionSets(entries: readonly TableEntry[]): Map<string, TableEntry[]> {
  return Map.groupBy(entries, ({ permissions }) => permissionsKey(permissions));
}

async function describeSet(
  workerUrl: URL,
  entries: readonly TableEntry[],
): Promise<SetDescription> {
  const describer = openDescriber(workerUrl, entries[0]?.permissions ?? {});
  try {
    return await askForSet(describer, entries);
  } finally {
    describer.close();
  }
}

async function askForSet(
  describer: Describer,
  entries: readonly TableEntry[],
): Promise<SetDescription> {
  const permissions = Object.fromEntries(
    entries.map(({ name, permissions }) => [name, permissions]),
  );
  const answer = await describer.ask({ kind: "describe", tasks: permissions });
  if (answer.kind !== "described") return { tasks: [], problems: [describer.problemOf(answer)] };
  const problems = answer.failures.map((failure) =>
    describer.problemOf({ kind: "failed", failure })
  );
  return { tasks: answer.tasks, problems };
}

/** One line where the table evaluates modules in workers that they are not for. */
function noticeOf(entries: readonly TableEntry[], setCount: number): string | undefined {
  const names = entries.filter(({ isLazy }) => !isLazy).map(({ name }) => name);
  if (names.length === 0 || setCount < 2) return undefined;
  return `The table of tasks imports ${
    names.join(", ")
  } itself, so the workers of all ${setCount} sets of permissions ` +
    'load their modules; { load: () => import("./file.ts"), permissions } loads a module only where it is needed';
}

type FinalAnswer = Exclude<DescribeAnswer, { kind: "loading" }>;

interface Describer {
  ask(request: DescribeRequest): Promise<FinalAnswer>;
  problemOf(answer: FinalAnswer): Problem;
  close(): void;
}

/** A worker that describes. An answer is `failed` also where the worker hangs or cannot be started. */
function openDescriber(workerUrl: URL, permissions: Deno.PermissionOptionsObject): Describer {
  const worker = new Worker(workerUrl, {
    type: "module",
    deno: { permissions: { ...noPermissions, ...permissions } },
  });
  let step: LoadStep = { taskName: "", file: workerUrl.href };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let answered = Promise.withResolvers<FinalAnswer>();
  const answer = (given: FinalAnswer) => {
    clearTimeout(timer);
    answered.resolve(given);
  };
  const expectProgress = () => {
    clearTimeout(timer);
    timer = setTimeout(() => answer({ kind: "failed", failure: hangingLoad(step) }), maxLoadMs);
  };
  worker.onmessage = ({ data }: MessageEvent<string>) => {
    const told = JSON.parse(data) as DescribeAnswer;
    if (told.kind !== "loading") return answer(told);
    step = told.step;
    expectProgress();
  };
  worker.onerror = (event) => {
    // Without this the error would end the whole process.
    event.preventDefault();
    const reason = `cannot be started in a worker: ${event.message}`;
    answer({ kind: "failed", failure: { ...step, line: 0, reason } });
  };
  return {
    ask(request) {
      answered = Promise.withResolvers();
      expectProgress();
      worker.postMessage(request);
      return answered.promise;
    },
    problemOf(answer) {
      if (answer.kind !== "failed") {
        const file = shownFile(workerUrl.href, workerUrl);
        return {
          path: "",
          message: `Cannot read the tasks: the worker ${file} gave no answer to its question`,
        };
      }
      const { failure } = answer;
      return { path: failure.taskName, message: loadFailureText(failure, workerUrl) };
    },
    close() {
      clearTimeout(timer);
      worker.terminate();
    },
  };
}
