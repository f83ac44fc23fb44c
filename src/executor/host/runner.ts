// A runner process: hosts one worker thread for a server that is its parent. Started by
// runner_process.ts through the hidden subcommand `runner`; ends when its stdin ends.

import { startTimer } from "../../clock.ts";
import {
  controlPrefix,
  readLines,
  type RunnerControl,
  type RunnerOptions,
  takeBackLine,
} from "./runner_messages.ts";
import type { WorkerHandle } from "./worker_handle.ts";
import { openWorkerThread } from "./worker_thread.ts";

/** How often the runner looks at its memory: a task that allocates at once is stopped this late. */
const memoryCheckMs = 50;

const encoder = new TextEncoder();

/** What a terminal, `timeout` or systemd sends to every process of a group. */
const groupSignals = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

/** Serves the parent until it closes stdin or dies, then exits. `workerUrl`: see openWorkerThread. */
export async function serveRunner(workerUrl: URL): Promise<never> {
  // Only the parent ends a runner: when the server drains, what runs here is to finish.
  for (const signal of groupSignals) Deno.addSignalListener(signal, () => {});
  let worker: WorkerHandle | undefined;
  for await (const line of readLines(Deno.stdin.readable)) {
    if (worker === undefined) worker = start(workerUrl, JSON.parse(line) as RunnerOptions);
    else if (line === takeBackLine) worker.takeBack();
    else pass(worker, line);
  }
  Deno.exit(0);
}

function start(workerUrl: URL, options: RunnerOptions): WorkerHandle {
  watchMemory(options.maxMemoryMb);
  const events = {
    // The frames of the tasks go to stdout, from the worker itself.
    onBytes: () => {},
    onReturned: (number: number) => tell({ kind: "returned", number }),
    onLost: (reason: string) => tell({ kind: "lost", reason }),
  };
  return openWorkerThread(workerUrl, options, events, "standard_output");
}

function watchMemory(maxMemoryMb: number): void {
  const usedMb = Math.round(Deno.memoryUsage().rss / 1_048_576);
  if (usedMb > maxMemoryMb) tell({ kind: "out_of_memory", usedMb });
  startTimer(memoryCheckMs, () => watchMemory(maxMemoryMb));
}

function pass(worker: WorkerHandle, line: string): void {
  const space = line.indexOf(" ");
  const firstNumber = Number(line.slice(0, space));
  const message = line.slice(space + 1);
  if (firstNumber > 0) worker.sendRuns(message, firstNumber);
  else worker.send(message);
}

function tell(control: RunnerControl): void {
  Deno.stderr.writeSync(encoder.encode(`${controlPrefix}${JSON.stringify(control)}\n`));
}
