// Collects lines and writes them in batches. Called by src/log.ts; a write that fails or stalls costs
// lines, which are counted, and never the process.

/** How long a line may wait for others before the batch is written. */
const batchDelayMs = 50;
/** The most characters that wait for a slow reader; lines beyond them are dropped. */
const maxPendingLength = 4 * 1024 * 1024;
/** The longest that `flush` waits: a reader that has stopped reading must not hold up an exit. */
const maxFlushMs = 1000;

/** A batching writer of lines. */
export interface LineWriter {
  /** Adds a line, which holds no line break. Never blocks, never throws. */
  push(line: string): void;
  /** Writes what was pushed so far, and returns when it is written, or after a second if it cannot be. */
  flush(): Promise<void>;
}

/**
 * A writer that hands its batches to `write`, one at a time. `describeDropped` makes the line that says
 * how many lines were lost because `write` failed or was too slow.
 */
export function createLineWriter(
  write: (text: string) => void | Promise<void>,
  describeDropped: (count: number) => string,
): LineWriter {
  let pending = "";
  let pendingCount = 0;
  let droppedCount = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let writing: Promise<void> | undefined;

  async function writePending(): Promise<void> {
    while (pending !== "") {
      const reportedCount = droppedCount;
      const batchCount = pendingCount;
      const batch = reportedCount > 0 ? `${describeDropped(reportedCount)}\n${pending}` : pending;
      pending = "";
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
    clearTimeout(timer);
    timer = undefined;
    // In a microtask of its own, so that it ends after this assignment even if `write` throws at once.
    if (writing === undefined && pending !== "") writing = Promise.resolve().then(writePending);
  }

  return {
    push(line: string): void {
      if (pending.length + line.length > maxPendingLength) {
        droppedCount++;
        return;
      }
      pending += line + "\n";
      pendingCount++;
      if (timer === undefined && writing === undefined) {
        timer = setTimeout(startWriting, batchDelayMs);
      }
    },
    async flush(): Promise<void> {
      startWriting();
      if (writing === undefined) return;
      let deadline: ReturnType<typeof setTimeout> | undefined;
      const waited = new Promise<void>((resolve) => deadline = setTimeout(resolve, maxFlushMs));
      await Promise.race([writing, waited]);
      clearTimeout(deadline);
    },
  };
}
