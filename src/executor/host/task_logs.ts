// Writes what tasks log to the log of the server, each line with its job and task. Used by the pool.

import { getLogger } from "../../log/log.ts";
import type { Run } from "./run.ts";
import type { TaskLogLine } from "../worker/task_run.ts";

/** The log of the tasks. */
export class TaskLogs {
  readonly #log = getLogger("task");

  /** Writes one line; `run` is undefined where nobody knows which run it came from. */
  write(run: Run | undefined, line: TaskLogLine): void {
    const fields = {
      ...line.fields,
      ...(run === undefined ? {} : { job_id: run.job.id, task: run.task.name }),
    };
    // A task that has changed what JSON makes of objects may have spoilt the line.
    const write = this.#log[line.level] ?? this.#log.warn;
    write(String(line.message), fields);
  }
}
