// What the task server needs of Node. Runs inside the worker.

import type { AsyncLocalStorage } from "node:async_hooks";
import type { WorkerSetup } from "../wire/messages.ts";
import { lockProcessDown } from "./lockdown.ts";
import type { TaskRun } from "./task_run.ts";

/** Captured before any task code is loaded. */
export interface Runtime {
  /** Tells which run a stray error or a console line belongs to, however late it comes. */
  readonly context: AsyncLocalStorage<TaskRun>;
  readonly process: NodeJS.Process;
  readonly atEndOfTurn: (callback: () => void) => unknown;
  /** As `startTimer` of the clock, but out of the reach of tasks, whatever they do to built-in objects. */
  readonly startTimer: (ms: number, onTime: () => void) => () => void;
}

/** Loads it, and takes from tasks what Node's modules offer them. */
export async function loadRuntime(frames: WorkerSetup["frames"]): Promise<Runtime> {
  const process = await lockProcessDown(frames === "standard_output");
  const [{ AsyncLocalStorage }, { clearTimeout, setImmediate, setTimeout }] = await Promise.all([
    import("node:async_hooks"),
    import("node:timers"),
  ]);
  return {
    process,
    context: new AsyncLocalStorage(),
    atEndOfTurn: setImmediate,
    startTimer(ms, onTime) {
      const timer = setTimeout(onTime, ms);
      return () => clearTimeout(timer);
    },
  };
}
