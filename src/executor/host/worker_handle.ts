// What the pool's slots need of a worker, wherever it runs: a thread of this process (worker_thread.ts)
// or a child process (runner_process.ts).

import type { Outcome } from "../../jobs/job.ts";
import type { WorkerSetup } from "../wire/messages.ts";

/** What a run used; a thread is not measured, nor is a run of milliseconds. */
export type RunUsage = Pick<Outcome, "cpuMs" | "peakMemoryBytes">;

/** A worker, as its slot holds it. */
export interface WorkerHandle {
  /** Sends a HostMessage as JSON text. Messages sent before the worker is ready wait for it. */
  send(message: string): void;
  /** Sends runs, the first of which has this number; a closed gate opens for them. */
  sendRuns(message: string, firstNumber: number): void;
  /** Takes back the runs that have not started: `onReturned` follows, and the frames written so far. */
  takeBack(): void;
  /** A run begins, also the next one of those that were sent: what the worker's process uses now is that run's. */
  beginRun(): void;
  /** The running run ended, or none is there to begin; what it used, where that is measured. */
  endRun(): RunUsage;
  /** Ends the worker as a crash would: what it had written is read, then comes `onLost`. */
  kill(): void;
  /** Ends the worker at once, and with it what it runs. No event follows. Resolves when it is gone. */
  close(): Promise<void>;
}

/** What a slot hears of its worker. */
export interface WorkerEvents {
  /** Bytes of frames, in order, cut anywhere. */
  onBytes(bytes: Uint8Array): void;
  /** The runs from this number on had not started and are the host's again. */
  onReturned(firstNumber: number): void;
  /** The worker must be replaced once it is idle: it holds memory that its runs left behind. May come again. */
  onWornOut(): void;
  /** The worker is gone or unusable; every frame that it had written came before. No event follows. */
  onLost(reason: string): void;
}

/** How a worker is set up. */
export interface WorkerOptions {
  /** The tasks that it loads before it is ready. */
  readonly taskNames: readonly string[];
  readonly permissions: Deno.PermissionOptionsObject;
  readonly jobsPerWorker: number;
  readonly maxResultBytes: number;
  readonly taskSettings: WorkerSetup["taskSettings"];
}
