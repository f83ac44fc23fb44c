// The report on this node that GET /status and the health checks answer with.
// src/node/node.ts gathers it, src/http/status_routes.ts shows it: it is shown as it is, so it holds no secret.

import type { JobStatus } from "../jobs/job.ts";

/** How this node is doing. Times are RFC 3339; what is absent is not known. */
export interface StatusReport {
  readonly version: string;
  readonly commit: string;
  readonly build_time: string;
  readonly time: string;
  /** Seconds since the start. */
  readonly uptime: number;
  /** Whether the node takes no more work because it is about to end. */
  readonly stopping: boolean;
  readonly repository: DriverStatus & {
    readonly jobs?: Readonly<Record<JobStatus, number>>;
  };
  readonly queue: DriverStatus & {
    /** How many more jobs fit; absent where nothing bounds the queue. */
    readonly room?: number;
  };
  readonly workers: {
    readonly isolation: "worker" | "process";
    readonly concurrency: number;
    /** Jobs that run now. */
    readonly busy: number;
    readonly idle: number;
    /** Jobs that this node took and that wait for a worker. */
    readonly waiting: number;
    /** Counts since the start: workers started, lost, and those that could not be stopped. */
    readonly started: number;
    readonly lost: number;
    readonly runaways: number;
    readonly quarantined_tasks: readonly string[];
    /** Tasks whose modules cannot be loaded: their jobs, and those of tasks with the same permissions, wait. */
    readonly unloadable_tasks: readonly string[];
  };
  readonly scheduler: {
    readonly next_run_at?: string;
  };
}

/** How the repository or the queue is doing. */
export interface DriverStatus {
  /** The name of the driver as in the configuration. */
  readonly driver: string;
  readonly healthy: boolean;
  /** Why not. */
  readonly reason?: string;
}

/** Why the node cannot take jobs now, one text a cause; empty: it is ready. */
export function reasonsNotReady(report: StatusReport): string[] {
  const reasons = report.stopping ? ["the node is stopping"] : [];
  for (const port of ["repository", "queue"] as const) {
    const { driver, healthy, reason = "not healthy" } = report[port];
    if (!healthy) reasons.push(`${port} ${driver}: ${reason}`);
  }
  return reasons;
}
