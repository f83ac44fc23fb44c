// The memory that a worker thread and its host share: a ring of frames, worker to host, and the gate
// that decides for each run whether the worker starts it or the host takes it back.
// Shared memory, because a thread that never yields can still be read and still be stopped at the gate.

import { type FrameKind, frameSize, writeFrame } from "./frames.ts";

// Captured before any task code is loaded: what a task makes of the built-in objects changes nothing here.
const { compareExchange, exchange, load, store } = Atomics;

const ringBytes = 64 * 1024;
const controlBytes = 16;

// Words of the control part.
const readAt = 0; // Where the host reads next.
const writeAt = 1; // Where the worker writes next.
const nextRun = 2; // Number of the next run to start; negative: the host took the rest back.
const isNotified = 3; // 1 while a notification of the worker waits for the host.

/** Run numbers are 1 to this one and then begin again. */
const maxRunNumber = 0x3fff_ffff;

/** The run number after this one. */
export function followingNumber(number: number): number {
  return number === maxRunNumber ? 1 : number + 1;
}

/** One end's view of the shared memory. */
export interface SharedRing {
  readonly memory: SharedArrayBuffer;
  readonly control: Int32Array;
  readonly view: DataView;
}

/** A fresh ring, or the view of one that came from the other end. */
export function createSharedRing(
  memory: SharedArrayBuffer = new SharedArrayBuffer(controlBytes + ringBytes),
): SharedRing {
  const control = new Int32Array(memory, 0, controlBytes / 4);
  if (control[nextRun] === 0) control[nextRun] = 1;
  return { memory, control, view: new DataView(memory, controlBytes, ringBytes) };
}

/** Writes a frame; false where it does not fit now. Called by the worker only. */
export function writeToRing(
  ring: SharedRing,
  kind: FrameKind,
  number: number,
  startedAtMs: number,
  durationMs: number,
  text: Uint8Array,
): boolean {
  const size = frameSize(text.length);
  const read = load(ring.control, readAt);
  let write = load(ring.control, writeAt);
  // One free byte always stays between the ends: equal positions mean an empty ring.
  if (write >= read && ringBytes - write < size + 4) {
    if (read <= size) return false;
    // Size 0 marks the wrap. Four bytes are always left for it.
    ring.view.setUint32(write, 0);
    write = 0;
  } else if (write < read && read - write <= size + 4) {
    return false;
  }
  writeFrame(ring.view, write, kind, number, startedAtMs, durationMs, text);
  store(ring.control, writeAt, write + size);
  return true;
}

/** Takes out the frames that are there: pieces of bytes for `readFrames`. Called by the host only. */
export function drainRing(ring: SharedRing): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const write = load(ring.control, writeAt);
  let read = load(ring.control, readAt);
  if (read > write) {
    let end = read;
    for (let size = ring.view.getUint32(end); size !== 0; size = ring.view.getUint32(end)) {
      end += size;
    }
    if (end > read) pieces.push(copyOut(ring, read, end));
    read = 0;
  }
  if (write > read) pieces.push(copyOut(ring, read, write));
  store(ring.control, readAt, write);
  return pieces;
}

function copyOut(ring: SharedRing, start: number, end: number): Uint8Array {
  return new Uint8Array(ring.memory, controlBytes, ringBytes).slice(start, end);
}

/** Whether the host must be notified: true once until the host has answered. Called by the worker. */
export function claimNotification(ring: SharedRing): boolean {
  return exchange(ring.control, isNotified, 1) === 0;
}

/** The host has seen the notification and drains next. */
export function endNotification(ring: SharedRing): void {
  store(ring.control, isNotified, 0);
}

/** Whether the worker may start the run: false where the host took it back. Called by the worker. */
export function enterGate(ring: SharedRing, number: number): boolean {
  const next = followingNumber(number);
  return compareExchange(ring.control, nextRun, number, next) === number;
}

/** Takes back every run that has not started; the number of the first of them. Called by the host. */
export function closeGate(ring: SharedRing): number {
  for (;;) {
    const next = load(ring.control, nextRun);
    if (next < 0) return -next;
    if (compareExchange(ring.control, nextRun, next, -next) === next) return next;
  }
}

/** Opens a closed gate for runs from `number` on; an open one stays as it is. Called by the host. */
export function openGate(ring: SharedRing, number: number): void {
  const next = load(ring.control, nextRun);
  if (next < 0) compareExchange(ring.control, nextRun, next, number);
}
