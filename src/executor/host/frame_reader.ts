// Reads the frames of a worker out of bytes that come cut anywhere. Used by the slot.

import { type Frame, readFrames } from "../wire/frames.ts";
import { GrowingBytes } from "./growing_bytes.ts";

/** What is sent may come back this much larger: JSON escapes, and the frame around it. */
const frameOverheadBytes = 64 * 1024;

/** Frames of one worker. */
export class FrameReader {
  readonly #maxFrameBytes: number;
  /** The beginning of a frame whose end has not come. */
  #rest: GrowingBytes | undefined;

  constructor(maxResultBytes: number) {
    this.#maxFrameBytes = maxResultBytes + frameOverheadBytes;
  }

  /** Calls back for every frame that these bytes complete. Throws where they cannot be frames. */
  read(bytes: Uint8Array, onFrame: (frame: Frame) => void): void {
    const whole = this.#rest?.append(bytes) ?? bytes;
    const used = readFrames(whole, this.#maxFrameBytes, onFrame);
    if (used === whole.length) {
      this.#rest = undefined;
    } else if (this.#rest === undefined) {
      this.#rest = new GrowingBytes();
      this.#rest.append(whole.subarray(used));
    } else if (used > 0) {
      this.#rest.keepFrom(used);
    }
  }
}
