// A runner process: hosts one worker thread for a server that is its parent. Started by
// runner_process.ts through the hidden subcommand `runner`; ends when its stdin ends.

import {
  measureLine,
  readLines,
  type RunnerControl,
  type RunnerOptions,
  type RunnerUsage,
  takeBackLine,
} from "./runner_messages.ts";
import { openWorkerThread } from "./worker_thread.ts";

const encoder = new TextEncoder();

/** What a terminal, `timeout` or systemd sends to every process of a group. */
const groupSignals = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

/** Serves the parent until it closes stdin or dies, then exits. `workerUrl`: see openWorkerThread. */
export async function serveRunner(workerUrl: URL): Promise<never> {
  // Only the parent ends a runner: when the server drains, what runs here is to finish.
  for (const signal of groupSignals) Deno.addSignalListener(signal, () => {});
  const lines = readLines(Deno.stdin.readable);
  const first = await lines.next();
  if (first.value !== undefined) {
    await serve(workerUrl, JSON.parse(first.value) as RunnerOptions, lines);
  }
  Deno.exit(0);
}

async function serve(
  workerUrl: URL,
  options: RunnerOptions,
  lines: AsyncIterable<string>,
): Promise<void> {
  // On a line of its own, whatever a task has written to stderr before.
  const tell = (control: RunnerControl) => {
    const line = `\n${options.controlPrefix}${JSON.stringify(control)}\n`;
    Deno.stderr.writeSync(encoder.encode(line));
  };
  const worker = openWorkerThread(workerUrl, options, {
    // The frames of the tasks go to stdout, from the worker itself.
    onBytes: () => {},
    onReturned: (number) => tell({ kind: "returned", number }),
    onLost: (reason) => tell({ kind: "lost", reason }),
    onWornOut: () => {},
  }, "standard_output");
  let process: Promise<ProcessModule> | undefined;

  async function measure(): Promise<void> {
    const usage = readUsage(await process);
    tell({ kind: "usage", usage });
  }
  for await (const line of lines) {
    if (line === takeBackLine) worker.takeBack();
    else if (line === measureLine) void measure();
    else {
      const space = line.indexOf(" ");
      const firstNumber = Number(line.slice(0, space));
      const message = line.slice(space + 1);
      if (firstNumber === 0) {
        worker.send(message);
        continue;
      }
      worker.sendRuns(message, firstNumber);
      // Loading it takes 15 ms and 7 MB, which a runner without a run does not need to have spent.
      process ??= import("node:process");
    }
  }
}

type ProcessModule = typeof import("node:process");

function readUsage(process: ProcessModule | undefined): RunnerUsage {
  const memoryBytes = Deno.memoryUsage().rss;
  if (process === undefined) return { cpuMs: undefined, memoryBytes, peakMemoryBytes: memoryBytes };
  const { user, system } = process.cpuUsage();
  // Deno has it from 2.9 on, and only of Linux is the unit certain.
  const isKnown = Deno.build.os === "linux" && process.resourceUsage !== undefined;
  const peakMemoryBytes = isKnown ? process.resourceUsage().maxRSS * 1024 : memoryBytes;
  return { cpuMs: (user + system) / 1000, memoryBytes, peakMemoryBytes };
}
