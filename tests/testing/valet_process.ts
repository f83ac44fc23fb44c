// A Valet that runs as a process of its own, as tests see it: its log line by line, its end, its signals.
// Created by start_valet.ts.

import { defaultDeadlineMs, within } from "./within.ts";

/** One line of the log. Lines that are not JSON have the level `unreadable`. */
export interface LogLine {
  readonly level: string;
  readonly component: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

interface Waiter {
  readonly isWanted: (line: LogLine) => boolean;
  readonly found: (line: LogLine) => void;
  readonly ended: (error: Error) => void;
}

const running = new Set<Deno.ChildProcess>();
// A test run that is interrupted must not leave servers behind.
addEventListener("unload", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A child process with a log. It is killed when the test process ends. */
export class ValetProcess {
  /** Every line of stdout so far, as it came. */
  readonly lines: string[] = [];
  /** The same lines, parsed. */
  readonly log: LogLine[] = [];
  /** Everything on stderr so far. */
  stderr = "";
  /** Resolves when the process has ended and all its output is read. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #waiters = new Set<Waiter>();
  /** The first line that tells of the end of each job. A load test asks for thousands. */
  readonly #jobEnds = new Map<unknown, LogLine>();
  #hasEnded = false;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    running.add(child);
    this.ended = this.#watch();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The first line, already written or still to come, that is wanted. Fails when the process ends first. */
  waitForLog(
    what: string,
    isWanted: (line: LogLine) => boolean,
    deadlineMs: number = defaultDeadlineMs,
  ): Promise<LogLine> {
    const line = this.log.find(isWanted);
    if (line !== undefined) return Promise.resolve(line);
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const waiter = { isWanted, found: resolve, ended: reject };
    if (this.#hasEnded) this.#tellEnded(waiter);
    else this.#waiters.add(waiter);
    return within(promise, `the log line of ${what}`, deadlineMs, () => this.#tail())
      .finally(() => this.#waiters.delete(waiter));
  }

  /** The line that tells that the job has finished, already written or still to come. */
  async waitForJobEnd(id: string, deadlineMs?: number): Promise<LogLine> {
    return this.#jobEnds.get(id) ??
      await this.waitForLog(
        `the end of job ${id}`,
        (line) => isJobEnd(line) && line["job_id"] === id,
        deadlineMs,
      );
  }

  /** Sends a signal; nothing happens if the process has ended. */
  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Waits until the process has ended by itself or by a signal. */
  waitForEnd(deadlineMs: number = defaultDeadlineMs): Promise<Deno.CommandStatus> {
    return within(this.ended, "the end of the process", deadlineMs, () => this.#tail());
  }

  /** Asks it to stop, and kills it if it does not. */
  async stop(): Promise<Deno.CommandStatus> {
    try {
      this.signal("SIGTERM");
      return await this.waitForEnd();
    } finally {
      await this.kill();
    }
  }

  /** Ends it with SIGKILL and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.ended;
  }

  async #watch(): Promise<Deno.CommandStatus> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#readLog(),
      this.#readErrors(),
    ]);
    running.delete(this.#child);
    this.#hasEnded = true;
    for (const waiter of this.#waiters) this.#tellEnded(waiter);
    return status;
  }

  async #readLog(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
    if (rest !== "") this.#take(rest);
  }

  async #readErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.stderr += text;
    }
  }

  #take(text: string): void {
    const line = parseLine(text);
    this.lines.push(text);
    this.log.push(line);
    if (isJobEnd(line) && !this.#jobEnds.has(line["job_id"])) {
      this.#jobEnds.set(line["job_id"], line);
    }
    for (const waiter of this.#waiters) if (waiter.isWanted(line)) waiter.found(line);
  }

  #tellEnded(waiter: Waiter): void {
    waiter.ended(new Error(`The process ended before the log line came${this.#tail()}`));
  }

  #tail(): string {
    const lines = this.lines.slice(-8).join("\n");
    return `\nits log ends with:\n${lines}\nits stderr: ${this.stderr.slice(-2_000)}`;
  }
}

function isJobEnd({ message }: LogLine): boolean {
  return message === "job completed" || message === "job failed";
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { level: "unreadable", component: "", message: text };
  }
}
