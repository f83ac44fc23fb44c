// The protocol between the server and a runner process, beside the frames on the runner's stdout:
// lines of text on its stdin, and control lines, told from crash output by a prefix, on its stderr.

import type { WorkerOptions } from "./worker_handle.ts";

/** The first line on the runner's stdin, as JSON. */
export interface RunnerOptions extends WorkerOptions {
  /** Begins every control line: no task can know it, so what a task writes to stderr is no control line. */
  readonly controlPrefix: string;
}

/** The line that asks for `takeBack`. Any other line is a run number, a space and a HostMessage. */
export const takeBackLine = "take back";

/** The line that asks for a `usage`. */
export const measureLine = "measure";

/** What the process has used: memory is what it holds in RAM. */
export interface RunnerUsage {
  /** Since its start; undefined: it was sent no run yet. */
  readonly cpuMs: number | undefined;
  readonly memoryBytes: number;
  /** The most since its start. Where the system does not tell, as much as now. */
  readonly peakMemoryBytes: number;
}

/** A control line, after the prefix, as JSON. */
export type RunnerControl =
  | { readonly kind: "returned"; readonly number: number }
  | { readonly kind: "usage"; readonly usage: RunnerUsage }
  | { readonly kind: "lost"; readonly reason: string };

/**
 * Splits a stream of text into lines, without their ends; what follows the last end is the last line. Of a line that
 * has more than `maxLength` characters a part is left out.
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  maxLength = Infinity,
): AsyncGenerator<string> {
  // Not a TextDecoderStream: with the types of the DOM, which some packages bring, that does not check.
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = decoder.decode(bytes, { stream: true }).split("\n");
    lines[0] = rest + lines[0];
    rest = (lines.pop() ?? "").slice(0, maxLength);
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
