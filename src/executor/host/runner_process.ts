// A worker in a child process of the same executable, ended with SIGKILL. Used by the pool for
// isolation `process` and for quarantined tasks; runner.ts is its other end.

import { errorMessage } from "../../errors.ts";
import { RunMeter } from "./run_meter.ts";
import {
  measureLine,
  readLines,
  type RunnerControl,
  type RunnerOptions,
  takeBackLine,
} from "./runner_messages.ts";
import type { WorkerEvents, WorkerHandle, WorkerOptions } from "./worker_handle.ts";

/** How to start a runner: this executable with its hidden subcommand. */
export interface RunnerCommand {
  readonly path: string;
  readonly args: readonly string[];
}

/** How a runner is set up. */
export interface RunnerProcessOptions extends WorkerOptions {
  /** Above this resident memory the process is killed. */
  readonly maxMemoryMb: number;
}

/** How much of what a dying runner printed goes into the reason, in characters. */
const maxCrashTextLength = 300;
/** Control lines are shorter; a task may write what it likes to the stderr of its process. */
const maxLineLength = 65_536;
/** What V8 prints when it ends a process whose heap is full. */
const outOfMemoryText = /\bout of memory\b/i;

const encoder = new TextEncoder();

/** Starts a runner process with one worker. Its death, for whatever reason, is `onLost`. */
export function openRunnerProcess(
  command: RunnerCommand,
  { maxMemoryMb, ...options }: RunnerProcessOptions,
  events: WorkerEvents,
): WorkerHandle {
  const child = new Deno.Command(command.path, {
    args: [...command.args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const controlPrefix = `${crypto.randomUUID()} `;
  let isOpen = true;
  let isKilled = false;
  let lostReason: string | undefined;
  let crashText = "";
  let isOutOfMemory = false;
  const advice =
    `worker_pool.max_memory_mb allows ${maxMemoryMb}; handle the data in smaller parts, or raise it`;
  const meter = new RunMeter({
    maxMemoryBytes: maxMemoryMb * 2 ** 20,
    ask: () => write(measureLine),
    onExceeded: (usedBytes) => lose(`used ${toMb(usedBytes)} MB of memory; ${advice}`),
    onWornOut: () => events.onWornOut(),
  });

  function write(line: string): void {
    // A failed write means that the child is going: its end is reported once, by `watch`.
    if (isOpen) input.write(encoder.encode(line + "\n")).catch(() => {});
  }
  function kill(): void {
    isKilled = true;
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
    if (control.kind === "returned") events.onReturned(control.number);
    else if (control.kind === "usage") meter.take(control.usage);
    else lose(control.reason);
  }
  async function readFramesOfTasks(): Promise<void> {
    for await (const bytes of child.stdout) {
      // These may tell of the end of a run.
      await meter.refresh();
      if (isOpen) events.onBytes(bytes);
    }
  }
  async function readControls(): Promise<void> {
    for await (const line of readLines(child.stderr, maxLineLength)) {
      if (!isOpen || line === "") continue;
      if (line.startsWith(controlPrefix)) {
        obey(JSON.parse(line.slice(controlPrefix.length)) as RunnerControl);
        continue;
      }
      isOutOfMemory ||= outOfMemoryText.test(line);
      if (crashText.length < maxCrashTextLength) {
        crashText = `${crashText} ${line.trim()}`.trim().slice(0, maxCrashTextLength);
      }
    }
    // Whoever waits for a reading waits in vain.
    meter.close();
  }
  function reasonOfEnd(status: Deno.CommandStatus): string {
    const how = status.signal === null ? `exit code ${status.code}` : status.signal;
    if (isOutOfMemory) {
      return `ran out of memory: its process ended with ${how}, because V8 allows no larger heap; ` +
        "handle the data in smaller parts";
    }
    const isOfSystem = status.signal === "SIGKILL" && !isKilled;
    const why = isOfSystem ? ", as the system does where its memory runs out" : "";
    const printed = crashText === "" ? "" : `: ${crashText}`;
    return `the runner process ended with ${how}${why}${printed}`;
  }
  async function watch(): Promise<void> {
    try {
      await Promise.all([readFramesOfTasks(), readControls()]);
    } catch (thrown) {
      lose(errorMessage(thrown));
    }
    const status = await child.status;
    meter.close();
    await input.abort().catch(() => {});
    if (!isOpen) return;
    isOpen = false;
    events.onLost(lostReason ?? reasonOfEnd(status));
  }

  write(JSON.stringify({ ...options, controlPrefix } satisfies RunnerOptions));
  const watched = watch();
  return {
    send: (message) => write(`0 ${message}`),
    sendRuns: (message, firstNumber) => write(`${firstNumber} ${message}`),
    takeBack: () => write(takeBackLine),
    beginRun: () => meter.beginRun(),
    endRun: () => meter.endRun(),
    kill,
    close() {
      isOpen = false;
      kill();
      return watched;
    },
  };
}

function toMb(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
