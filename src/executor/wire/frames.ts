// The wire format from a worker to its host: frames, written the moment a thing happens, so that what a
// task had finished survives whatever the next task does to the thread.

// Captured before any task code is loaded: what a task makes of the built-in objects changes nothing here.
const { DataView, Uint8Array } = globalThis;

/** What a frame tells. */
export const FrameKind = {
  /** The first runs have come and may start: their time begins. */
  Ready: 1,
  /** The run returned; `text` is the result as JSON, empty: it returned nothing. */
  Completed: 2,
  /** The run failed; `text` is the reason. */
  Failed: 3,
  /** A line for the log; `text` is JSON of a TaskLogLine. `number` is 0 where no run is known. */
  Log: 4,
  /** The worker heard of a timeout or an abort, so its thread is alive. */
  Aborting: 5,
  /** Everything written so far stands: outcomes may be acted on. */
  Flush: 6,
  /** Where the failure of the run came from, for the log; comes before its Failed. */
  Trace: 7,
  /** The worker begins to load a module; `text` is JSON of a LoadStep. Loading, Loaded or LoadFailed follows. */
  Loading: 8,
  /** All tasks of the worker are loaded. */
  Loaded: 9,
  /** The worker will run nothing, since a module cannot be loaded; `text` is JSON of a LoadFailure. */
  LoadFailed: 10,
} as const;

/** One of them. */
export type FrameKind = typeof FrameKind[keyof typeof FrameKind];

/** One thing that a worker tells. `startedAtMs` is epoch time; fields that a kind does not use are 0. */
export interface Frame {
  readonly kind: FrameKind;
  readonly number: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly text: string;
}

// Layout: u32 size of the whole frame, u32 number, f64 startedAtMs, f64 durationMs, u32 kind, UTF-8 text.
const headerBytes = 28;
const noText = new Uint8Array();
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** How many bytes the frame takes. `textBytes` is the UTF-8 length of its text. */
export function frameSize(textBytes: number): number {
  return headerBytes + textBytes;
}

/** The UTF-8 form of a text, to be measured and written. */
export function encodeText(text: string): Uint8Array {
  return text === "" ? noText : encoder.encode(text);
}

/** Writes a frame at `offset`, where `frameSize(text.length)` bytes must be free. */
export function writeFrame(
  view: DataView,
  offset: number,
  kind: FrameKind,
  number: number,
  startedAtMs: number,
  durationMs: number,
  text: Uint8Array,
): void {
  view.setUint32(offset, headerBytes + text.length);
  view.setUint32(offset + 4, number);
  view.setFloat64(offset + 8, startedAtMs);
  view.setFloat64(offset + 16, durationMs);
  view.setUint32(offset + 24, kind);
  if (text.length > 0) {
    const start = offset + headerBytes;
    // A view of the buffer costs more to make than a short text takes to write.
    if (text.length <= 64) {
      for (let i = 0; i < text.length; i++) view.setUint8(start + i, text[i]!);
    } else new Uint8Array(view.buffer, view.byteOffset + start, text.length).set(text);
  }
}

/** A frame on its own. */
export function encodeFrame(
  kind: FrameKind,
  number = 0,
  startedAtMs = 0,
  durationMs = 0,
  text: Uint8Array = noText,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(frameSize(text.length));
  writeFrame(new DataView(bytes.buffer), 0, kind, number, startedAtMs, durationMs, text);
  return bytes;
}

/**
 * Reads the whole frames at the start of `bytes`, calls `onFrame` for each, and returns how many bytes
 * they took: the rest is the beginning of a frame whose end has not arrived.
 *
 * @throws Error where the bytes cannot be frames: something else was written to the stream.
 */
export function readFrames(
  bytes: Uint8Array,
  maxFrameBytes: number,
  onFrame: (frame: Frame) => void,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (bytes.length - offset >= headerBytes) {
    const size = view.getUint32(offset);
    const kind = view.getUint32(offset + 24);
    if (size < headerBytes || size > maxFrameBytes || kind < 1 || kind > FrameKind.LoadFailed) {
      throw new Error("the worker sent bytes that are no frame");
    }
    if (bytes.length - offset < size) break;
    onFrame({
      kind: kind as FrameKind,
      number: view.getUint32(offset + 4),
      startedAtMs: view.getFloat64(offset + 8),
      durationMs: view.getFloat64(offset + 16),
      text: size === headerBytes
        ? ""
        : decoder.decode(bytes.subarray(offset + headerBytes, offset + size)),
    });
    offset += size;
  }
  return offset;
}
