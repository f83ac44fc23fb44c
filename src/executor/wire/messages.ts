// What a host tells a worker: one JSON text a message, so that a runner process can pass it on unread.

import type { Job } from "../../jobs/job.ts";
import type { TaskSettings } from "../../tasks/task.ts";

/** The first message to a worker that runs tasks, sent as an object: it carries the shared memory. */
export interface WorkerSetup {
  readonly kind: "serve";
  /** What the worker loads before it runs anything, and all that it can run. */
  readonly taskNames: readonly string[];
  readonly ring: SharedArrayBuffer;
  /** `standard_output`: frames go to the stdout of this process, where they outlive a crash of it. */
  readonly frames: "ring" | "standard_output";
  readonly jobsPerWorker: number;
  readonly maxResultBytes: number;
  /** Name of a task to its settings. */
  readonly taskSettings: Readonly<Record<string, TaskSettings>>;
}

/** One run as it travels. */
export interface RunMessage {
  readonly number: number;
  readonly jobId: string;
  readonly jobName: string;
  readonly taskName: string;
  readonly runAtMs?: number | undefined;
  readonly attempt: number;
  readonly paramsJson?: string | undefined;
  readonly timeoutMs: number;
}

/** Every later message to a worker that runs tasks. */
export type HostMessage =
  | { readonly kind: "run"; readonly runs: readonly RunMessage[] }
  | { readonly kind: "abort"; readonly number: number; readonly reason: string };

/** The message form of a run. */
export function runMessage(number: number, job: Job, timeoutMs: number): RunMessage {
  return {
    number,
    jobId: job.id,
    jobName: job.name,
    taskName: job.taskName,
    attempt: job.attempt,
    timeoutMs,
    runAtMs: job.runAtMs,
    paramsJson: job.paramsJson,
  };
}

/** The reason of a run that took too long: `timed out after 2 seconds`. */
export function timeoutReason(timeoutMs: number): string {
  return timeoutMs % 1000 === 0
    ? `timed out after ${timeoutMs / 1000} second${timeoutMs === 1000 ? "" : "s"}`
    : `timed out after ${timeoutMs} millisecond${timeoutMs === 1 ? "" : "s"}`;
}
