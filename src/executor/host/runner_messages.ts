// The protocol between the server and a runner process, beside the frames on the runner's stdout:
// lines of text on its stdin, and control lines, told from crash output by a prefix, on its stderr.

import type { WorkerOptions } from "./worker_handle.ts";

/** The first line on the runner's stdin, as JSON. */
export interface RunnerOptions extends WorkerOptions {
  /** Above this resident memory the runner reports itself, to be killed. */
  readonly maxMemoryMb: number;
}

/** The line that asks for `takeBack`. Any other line is a run number, a space and a HostMessage. */
export const takeBackLine = "take back";

/** Begins every control line. No text that a crash prints begins so. */
export const controlPrefix = "\u0001valet ";

/** A control line, after the prefix, as JSON. */
export type RunnerControl =
  | { readonly kind: "returned"; readonly number: number }
  | { readonly kind: "out_of_memory"; readonly usedMb: number }
  | { readonly kind: "lost"; readonly reason: string };

/** Splits a stream of text into lines, without their ends; what follows the last end is no line yet. */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  // Not a TextDecoderStream: with the types of the DOM, which some packages bring, that does not check.
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = decoder.decode(bytes, { stream: true }).split("\n");
    lines[0] = rest + lines[0];
    rest = lines.pop() ?? "";
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
