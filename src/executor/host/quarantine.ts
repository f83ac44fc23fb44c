// The tasks that burn threads which nothing can stop: their next jobs run in processes, which can be killed.
// Used by the pool.

import { getLogger } from "../../log/log.ts";
import type { Run } from "./run.ts";

const log = getLogger("executor");

/** The tasks under quarantine, and how many threads they burn. */
export class Quarantine {
  /** Threads that burn until this node restarts. */
  runaways = 0;
  /** Their names. */
  readonly tasks: Set<string> = new Set();

  /** Counts a thread that this run, or what it left behind, keeps busy. */
  add({ job, task }: Run): void {
    this.runaways += 1;
    this.tasks.add(task.name);
    log.error(
      "a task does not stop and burns a thread until this node restarts; its next jobs run in a process " +
        "of their own. Set worker_pool.isolation to process to be able to stop such tasks",
      { job_id: job.id, task: task.name, runaways: this.runaways },
    );
  }
}
