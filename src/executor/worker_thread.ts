// A worker as a thread of this process: a Web Worker with its own permission set.
// Used by the pool (isolation `worker`) and, inside a runner process, by runner.ts.

import { encodeFrame, FrameKind } from "./frames.ts";
import type { WorkerSetup } from "./messages.ts";
import {
  closeGate,
  createSharedRing,
  drainRing,
  endNotification,
  openGate,
} from "./shared_ring.ts";
import type { WorkerEvents, WorkerHandle, WorkerOptions } from "./worker_handle.ts";

/** Starts a worker thread. `moduleUrl` is a module that calls `serveTasks`. */
export function openWorkerThread(
  moduleUrl: URL,
  options: WorkerOptions,
  events: WorkerEvents,
  frames: WorkerSetup["frames"] = "ring",
): WorkerHandle {
  const worker = new Worker(moduleUrl, {
    type: "module",
    // Always an explicit set: without one the worker would share, and could revoke, the server's own.
    deno: { permissions: { ...noPermissions, ...options.permissions } },
  });
  const ring = createSharedRing();
  let isOpen = true;

  function drain(): void {
    for (const bytes of drainRing(ring)) events.onBytes(bytes);
  }
  function close(): Promise<void> {
    isOpen = false;
    worker.terminate();
    return Promise.resolve();
  }

  worker.onmessage = ({ data }: MessageEvent<Uint8Array | null>) => {
    if (!isOpen) return;
    if (data === null) endNotification(ring);
    drain();
    // A frame too large for the ring came by itself, after all that the ring held then.
    if (data !== null) {
      events.onBytes(data);
      events.onBytes(encodeFrame(FrameKind.Flush));
    }
  };
  worker.onerror = (event) => {
    // Without this the error would end the whole process.
    event.preventDefault();
    if (!isOpen) return;
    void close();
    events.onReturned(closeGate(ring));
    drain();
    events.onLost(event.message);
  };
  worker.onmessageerror = () => {};
  worker.postMessage(
    {
      ring: ring.memory,
      frames,
      jobsPerWorker: options.jobsPerWorker,
      maxResultBytes: options.maxResultBytes,
    } satisfies WorkerSetup,
  );

  return {
    send: (message) => worker.postMessage(message),
    sendRuns(message, firstNumber) {
      openGate(ring, firstNumber);
      worker.postMessage(message);
    },
    takeBack() {
      // Told first: the outcomes in the ring may cause new runs to be sent, which must not count as returned.
      events.onReturned(closeGate(ring));
      drain();
    },
    close,
  };
}

const noPermissions = {
  env: false,
  ffi: false,
  import: false,
  net: false,
  read: false,
  run: false,
  sys: false,
  write: false,
} as const;
