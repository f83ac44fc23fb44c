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
  const unread: Uint8Array[] = [];
  let isDelivering = false;

  function deliver(pieces: readonly Uint8Array[]): void {
    unread.push(...pieces);
    // Who hears of an outcome may take back at once: what the ring then holds is younger than the rest of these.
    if (isDelivering) return;
    isDelivering = true;
    let problem: string | undefined;
    try {
      for (let bytes = unread.shift(); bytes !== undefined; bytes = unread.shift()) {
        events.onBytes(bytes);
      }
    } catch (thrown) {
      unread.length = 0;
      problem = errorMessage(thrown);
    }
    isDelivering = false;
    if (problem !== undefined) lose(problem);
  }
  function close(): Promise<void> {
    isOpen = false;
    worker.terminate();
    return Promise.resolve();
  }
  function takeBack(): void {
    // Told first: the outcomes in the ring may cause new runs to be sent, which must not count as returned.
    events.onReturned(closeGate(ring));
    deliver(drainRing(ring));
  }
  function lose(reason: string): void {
    if (!isOpen) return;
    void close();
    takeBack();
    events.onLost(reason);
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
    takeBack,
    kill: () => lose("it was ended"),
    close,
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
