// The log of this process as a test sees it: to check what was logged, and to wait for it. One at a time.

import { configureLogging, flushLogs } from "../../src/log/log.ts";
import { defaultDeadlineMs, within } from "./within.ts";

/** One record. */
export type LoggedLine = Readonly<Record<string, unknown>>;

/** Takes all log lines from now on; after `await using` they go nowhere. */
export class CapturedLogs implements AsyncDisposable {
  /** Every line so far, but for those that are still on their way. */
  readonly lines: LoggedLine[] = [];
  readonly #waiting = new Set<() => void>();

  constructor() {
    configureLogging({
      format: "json",
      level: "debug",
      write: (lines) => {
        for (const line of new TextDecoder().decode(lines).split("\n")) {
          if (line !== "") this.lines.push(JSON.parse(line));
        }
        for (const look of this.#waiting) look();
      },
    });
  }

  /** The first line with these fields, once it is there. */
  async waitFor(fields: LoggedLine): Promise<LoggedLine> {
    const { promise, resolve } = Promise.withResolvers<LoggedLine>();
    const look = () => {
      const found = this.lines.find((line) =>
        Object.entries(fields).every(([name, value]) => line[name] === value)
      );
      if (found !== undefined) resolve(found);
    };
    this.#waiting.add(look);
    look();
    try {
      const what = `a log line with ${JSON.stringify(fields)}`;
      // Twice as long: a worker that is the first to start after a change has its types checked.
      return await within(promise, what, defaultDeadlineMs * 2);
    } finally {
      this.#waiting.delete(look);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await flushLogs();
    configureLogging({ format: "text", level: "error", write: () => {} });
  }
}
