// Cuts what a task writes to its standard streams into lines for the log.

import { stripVTControlCharacters } from "node:util";
import type { LogLevel } from "./task_hooks.ts";

const { TextDecoder } = globalThis;

/** What is kept of a line without an end, in characters: the log cuts what is longer. */
const maxLineLength = 4_096;

const levels = { stdout: "info", stderr: "warn" } as const;

/** The streams of one run, or of what a worker does besides. */
export class PrintedLines {
  readonly #write: (level: LogLevel, line: string) => void;
  readonly #streams = { stdout: createStream(), stderr: createStream() };

  constructor(write: (level: LogLevel, line: string) => void) {
    this.#write = write;
  }

  /** Writes the lines that these bytes end, and keeps the rest. */
  add(name: "stdout" | "stderr", bytes: Uint8Array): void {
    const stream = this.#streams[name];
    const lines = stream.decoder.decode(bytes, { stream: true }).split("\n");
    lines[0] = stream.rest + lines[0];
    stream.rest = lines.pop()!.slice(0, maxLineLength);
    for (const line of lines) this.#writeLine(name, line);
  }

  /** Writes what has no end yet: no more is to come, or not soon. */
  flush(): void {
    for (const name of ["stdout", "stderr"] as const) {
      const { rest } = this.#streams[name];
      if (rest === "") continue;
      this.#streams[name].rest = "";
      this.#writeLine(name, rest);
    }
  }

  #writeLine(name: "stdout" | "stderr", line: string): void {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    // What a terminal would show: of a bar of progress its last state, and no colours.
    const shown = stripVTControlCharacters(text.slice(text.lastIndexOf("\r") + 1));
    if (shown.trim() !== "") this.#write(levels[name], shown);
  }
}

function createStream(): { rest: string; readonly decoder: TextDecoder } {
  return { rest: "", decoder: new TextDecoder() };
}
