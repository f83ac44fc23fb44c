// Runs a task in the process of a test, as a worker would: the package's export `@valet/valet/testing`, for the tests
// of those who write tasks.

import { didYouMean } from "../did_you_mean.ts";
import { loadFailureText } from "../executor/host/load_failure.ts";
import { resultJson } from "../executor/worker/result_json.ts";
import { loadTask } from "../executor/worker/task_loader.ts";
import { validParams } from "../tasks/loaded_task.ts";
import type { LazyTask, Task, TaskContext, TaskJob } from "../tasks/task.ts";

/** A line that the task logged. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields?: Record<string, unknown>;
}

/** What a run has beside the params; each part has a default. */
export interface RunTaskOptions extends Partial<Pick<TaskContext, "settings" | "maxResultBytes">> {
  /** `context.signal`. Default: one that never aborts. The timeout of the task does not count here. */
  readonly signal?: AbortSignal;
  /** Parts of `context.job`. */
  readonly job?: Partial<TaskJob>;
  /** Gets each line that the task logs, as it comes. */
  readonly log?: LogLine[];
}

/** As `worker_pool.max_result_bytes` has it by default. */
const defaultMaxResultBytes = 1_048_576;

/**
 * Runs a task once and returns its result as a client would get it: read back from JSON. The task has the permissions
 * of the test.
 *
 * @param task the task itself, or an entry of a table. Of a module that an entry loads, the task is the default export,
 * else the export with the name `options.job.task_name`.
 * @throws what the task throws; an Error that says what is wrong with the task, where the params do not fit its schema,
 * or where the result cannot be JSON.
 */
export async function runTask(
  task: Task | LazyTask,
  params: Readonly<Record<string, unknown>> = {},
  options: RunTaskOptions = {},
  // deno-lint-ignore no-explicit-any -- tests look into results freely
): Promise<any> {
  const name = options.job?.task_name ?? "test";
  const loaded = await loadTask({ tasks: { [name]: task }, file: "" }, name, () => {}, didYouMean);
  if ("failure" in loaded) throw new Error(loadFailureText(loaded.failure, new URL("file:///")));
  const { params: schema, run } = loaded.value;
  const maxResultBytes = options.maxResultBytes ?? defaultMaxResultBytes;
  // What a client sends is JSON, too.
  const sent: unknown = JSON.parse(JSON.stringify(params));
  const valid = schema === undefined ? sent : await validParams(schema, sent);
  const result = await run(valid, makeContext(options, name, maxResultBytes));
  const text = resultJson(result, maxResultBytes);
  return text === "" ? undefined : JSON.parse(text);
}

function makeContext(
  { signal, job, log, settings }: RunTaskOptions,
  name: string,
  maxResultBytes: number,
): TaskContext {
  const at =
    (level: LogLine["level"]) => (message: string, fields?: Record<string, unknown>): void => {
      log?.push({ level, message, ...(fields === undefined ? {} : { fields }) });
    };
  return {
    signal: signal ?? new AbortController().signal,
    job: {
      id: "00000000-0000-7000-8000-000000000000",
      name,
      task_name: name,
      attempt: 1,
      ...job,
    },
    log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    settings: settings ?? {},
    maxResultBytes,
  };
}
