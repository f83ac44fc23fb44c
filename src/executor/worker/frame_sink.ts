// Where a worker's frames go: into the shared ring of its host, or, in a runner process, to the
// standard output, where the kernel keeps them if the process dies. Runs inside the worker.

import { encodeFrame, encodeText, type FrameKind } from "../wire/frames.ts";
import { claimNotification, type SharedRing, writeToRing } from "../wire/shared_ring.ts";

/** Writes frames; what `write` was given is safe from a crash of the next task when it returns. */
export interface FrameSink {
  /** Writes a frame. With `canDrop`, a sink without room drops it and answers false. */
  write(
    kind: FrameKind,
    number: number,
    startedAtMs: number,
    durationMs: number,
    text: string,
    canDrop?: boolean,
  ): boolean;
  /** Tells the host that there are frames to read. */
  notify(): void;
}

/** Frames through the shared ring; one that does not fit travels as a message of its own. */
export function createRingSink(
  ring: SharedRing,
  post: (message: Uint8Array | null) => void,
): FrameSink {
  return {
    write(kind, number, startedAtMs, durationMs, text, canDrop = false) {
      const encoded = encodeText(text);
      if (writeToRing(ring, kind, number, startedAtMs, durationMs, encoded)) return true;
      if (canDrop) return false;
      post(encodeFrame(kind, number, startedAtMs, durationMs, encoded));
      return true;
    },
    notify() {
      if (claimNotification(ring)) post(null);
    },
  };
}

/** Frames to the standard output of the process, each written whole before `write` returns. */
export function createOutputSink(output: { writeSync(bytes: Uint8Array): number }): FrameSink {
  return {
    write(kind, number, startedAtMs, durationMs, text) {
      const encoded = encodeText(text);
      const bytes = encodeFrame(kind, number, startedAtMs, durationMs, encoded);
      for (let written = 0; written < bytes.length;) {
        written += output.writeSync(bytes.subarray(written));
      }
      return true;
    },
    notify() {},
  };
}
