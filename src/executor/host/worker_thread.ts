// A worker as a thread of this process: a Web Worker with its own permission set.
// Used by the pool (isolation `worker`) and, inside a runner process, by runner.ts.

import { errorMessage } from "../../errors.ts";
import { encodeFrame, FrameKind } from "../wire/frames.ts";
import type { WorkerSetup } from "../wire/messages.ts";
import {
  closeGate,
  createSharedRing,
  drainRing,
  endNotification,
  openGate,
} from "../wire/shared_ring.ts";
import { requireFreeDescriptors } from "./free_descriptors.ts";
import type { WorkerEvents, WorkerHandle, WorkerOptions } from "./worker_handle.ts";

/**
 * Starts a worker thread. `moduleUrl` is a module that calls `serveTasks`.
 *
 * @throws ValetError `unavailable` where the process has too few free file descriptors.
 */
export function openWorkerThread(
  moduleUrl: URL,
  options: WorkerOptions,
  events: WorkerEvents,
  frames: WorkerSetup["frames"] = "ring",
): WorkerHandle {
  requireFreeDescriptors();
  const worker = new Worker(moduleUrl, {
    type: "module",
    // Always an explicit set: without one the worker would share, and could revoke, the server's own.
    deno: { permissions: { ...noPermissions, ...options.permissions } },
  });
  const ring = createSharedRing();
  let isOpen = true;
  let isClosed = false;

  function deliver(pieces: readonly Uint8Array[]): void {
    try {
      for (const bytes of pieces) events.onBytes(bytes);
    } catch (thrown) {
      lose(errorMessage(thrown));
    }
  }
  function tellReturned(firstNumber: number): void {
    // Told first: the outcomes in the ring may cause new runs to be sent, which must not count as returned.
    events.onReturned(firstNumber);
    deliver(drainRing(ring));
  }
  function lose(reason: string): void {
    if (!isOpen) return;
    isOpen = false;
    worker.terminate();
    const firstNumber = closeGate(ring);
    queueMicrotask(() => {
      if (isClosed) return;
      tellReturned(firstNumber);
      events.onLost(reason);
    });
  }

  worker.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (!isOpen) return;
    if (data === null) endNotification(ring);
    deliver(drainRing(ring));
    // A frame too large for the ring came by itself, after all that the ring held then.
    if (data instanceof Uint8Array) deliver([data, encodeFrame(FrameKind.Flush)]);
  };
  worker.onerror = (event) => {
    // Without this the error would end the whole process.
    event.preventDefault();
    lose(event.message);
  };
  worker.onmessageerror = () => {};
  worker.postMessage(
    {
      kind: "serve",
      taskNames: options.taskNames,
      ring: ring.memory,
      frames,
      jobsPerWorker: options.jobsPerWorker,
      maxResultBytes: options.maxResultBytes,
      taskSettings: options.taskSettings,
    } satisfies WorkerSetup,
  );

  return {
    send: (message) => worker.postMessage(message),
    sendRuns(message, firstNumber) {
      openGate(ring, firstNumber);
      worker.postMessage(message);
    },
    takeBack() {
      // At once: what has not started by now does not start.
      const firstNumber = closeGate(ring);
      queueMicrotask(() => {
        if (isOpen) tellReturned(firstNumber);
      });
    },
    beginRun() {},
    endRun: () => ({}),
    kill: () => lose("it was ended"),
    close() {
      isOpen = false;
      isClosed = true;
      worker.terminate();
      return Promise.resolve();
    },
  };
}

/** What a worker has that is given nothing. */
export const noPermissions = {
  env: false,
  ffi: false,
  import: false,
  net: false,
  read: false,
  run: false,
  sys: false,
  write: false,
} as const;
