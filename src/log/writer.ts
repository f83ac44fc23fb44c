// Collects lines and writes them in batches. Called by src/log/log.ts; a write that fails or stalls costs
// lines, which are counted, and never the process.

import { endsWithin, startTimer } from "../clock.ts";

/** How long a line may wait for others before the batch is written. */
const batchDelayMs = 50;
/** About the most bytes that wait for a slow reader; lines beyond them are dropped. */
const maxPendingBytes = 4 * 1024 * 1024;
/**
 * So many lines are made and become bytes at a time. Each where it is caused would cost more: the caches of
 * the processor hold something else there, and thousands of texts that wait side by side are work for the
 * garbage collector.
 */
const stagedLines = 64;
/** The longest that `flush` waits: a reader that has stopped reading must not hold up an exit. */
const maxFlushMs = 1000;

const encoder = new TextEncoder();

/** A line without a line break, or what makes it within the next moments and never throws. */
export type Line = string | (() => string);

/** A batching writer of lines. */
export interface LineWriter {
  /** Adds a line. Never blocks, never throws. */
  push(line: Line): void;
  /** Writes what was pushed so far, and returns when it is written, or after a second if it cannot be. */
  flush(): Promise<void>;
}

/**
 * A writer that hands its batches to `write`, one at a time. `describeDropped` makes the line that says
 * how many lines were lost because `write` failed or was too slow.
 */
export function createLineWriter(
  write: (lines: Uint8Array<ArrayBuffer>) => void | Promise<void>,
  describeDropped: (count: number) => string,
): LineWriter {
  let staged: Line[] = [];
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let pendingCount = 0;
  let droppedCount = 0;
  let cancelTimer: (() => void) | undefined;
  let writing: Promise<void> | undefined;

  function encodeStaged(): void {
    let text = "";
    for (const line of staged) text += (typeof line === "string" ? line : line()) + "\n";
    staged = [];
    const bytes = encoder.encode(text);
    pending.push(bytes);
    pendingBytes += bytes.length;
  }

  async function writePending(): Promise<void> {
    while (pendingCount > 0) {
      encodeStaged();
      const reportedCount = droppedCount;
      if (reportedCount > 0) pending.unshift(encoder.encode(`${describeDropped(reportedCount)}\n`));
      const batchCount = pendingCount;
      const batch = joinBytes(pending);
      pending = [];
      pendingBytes = 0;
      pendingCount = 0;
      try {
        await write(batch);
        droppedCount -= reportedCount;
      } catch {
        // There is nowhere to report it but the next line that can be written.
        droppedCount += batchCount;
      }
    }
    writing = undefined;
  }

  function startWriting(): void {
    cancelTimer?.();
    cancelTimer = undefined;
    // In a microtask of its own, so that it ends after this assignment even if `write` throws at once.
    if (writing === undefined && pendingCount > 0) writing = Promise.resolve().then(writePending);
  }

  return {
    push(line: Line): void {
      if (pendingBytes >= maxPendingBytes) {
        droppedCount++;
        return;
      }
      pendingCount++;
      if (staged.push(line) === stagedLines) encodeStaged();
      if (cancelTimer === undefined && writing === undefined) {
        cancelTimer = startTimer(batchDelayMs, startWriting);
      }
    },
    async flush(): Promise<void> {
      startWriting();
      await endsWithin(writing, maxFlushMs);
    },
  };
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
