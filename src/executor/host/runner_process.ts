// A worker in a child process of the same executable, ended with SIGKILL. Used by the pool for
// isolation `process` and for quarantined tasks; runner.ts is its other end.

import { errorMessage } from "../../errors.ts";
import {
  controlPrefix,
  readLines,
  type RunnerControl,
  type RunnerOptions,
  takeBackLine,
} from "./runner_messages.ts";
import type { WorkerEvents, WorkerHandle } from "./worker_handle.ts";

/** How to start a runner: this executable with its hidden subcommand. */
export interface RunnerCommand {
  readonly path: string;
  readonly args: readonly string[];
}

/** How much of what a dying runner printed goes into the reason, in characters. */
const maxCrashTextLength = 300;

/** Starts a runner process with one worker. Its death, for whatever reason, is `onLost`. */
export function openRunnerProcess(
  command: RunnerCommand,
  options: RunnerOptions,
  events: WorkerEvents,
): WorkerHandle {
  const child = new Deno.Command(command.path, {
    args: [...command.args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const encoder = new TextEncoder();
  let isOpen = true;
  let lostReason: string | undefined;
  let crashText = "";

  function write(line: string): void {
    // A failed write means that the child is going: its end is reported once, by `watch`.
    if (isOpen) input.write(encoder.encode(line + "\n")).catch(() => {});
  }
  function kill(): void {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself: that is what was wanted.
    }
  }
  function lose(reason: string): void {
    lostReason ??= reason;
    kill();
  }
  function obey(control: RunnerControl): void {
    if (control.kind === "returned") {
      events.onReturned(control.number);
    } else if (control.kind === "out_of_memory") {
      lose(
        `used ${control.usedMb} MB of memory; worker_pool.max_memory_mb allows ${options.maxMemoryMb}`,
      );
    } else {
      lose(control.reason);
    }
  }
  async function readFramesOfTasks(): Promise<void> {
    for await (const bytes of child.stdout) {
      if (isOpen) events.onBytes(bytes);
    }
  }
  async function readControls(): Promise<void> {
    for await (const line of readLines(child.stderr)) {
      if (!isOpen) continue;
      if (line.startsWith(controlPrefix)) {
        obey(JSON.parse(line.slice(controlPrefix.length)) as RunnerControl);
      } else if (crashText.length < maxCrashTextLength) {
        crashText = `${crashText} ${line.trim()}`.trim().slice(0, maxCrashTextLength);
      }
    }
  }
  async function watch(): Promise<void> {
    try {
      await Promise.all([readFramesOfTasks(), readControls()]);
    } catch (thrown) {
      lose(errorMessage(thrown));
    }
    const status = await child.status;
    await input.abort().catch(() => {});
    if (!isOpen) return;
    isOpen = false;
    const how = status.signal === null ? `exit code ${status.code}` : status.signal;
    const printed = crashText === "" ? "" : `: ${crashText}`;
    events.onLost(lostReason ?? `the runner process ended with ${how}${printed}`);
  }

  write(JSON.stringify(options));
  const watched = watch();
  return {
    send: (message) => write(`0 ${message}`),
    sendRuns: (message, firstNumber) => write(`${firstNumber} ${message}`),
    takeBack: () => write(takeBackLine),
    kill,
    close() {
      isOpen = false;
      kill();
      return watched;
    },
  };
}
