import assert from "node:assert/strict";
import { FrameKind, readFrames } from "../../../../src/executor/wire/frames.ts";
import { openWorkerThread } from "../../../../src/executor/host/worker_thread.ts";
import { within } from "../../../testing/within.ts";

const workerUrl = new URL("../../../fixtures/two_words_entry.ts", import.meta.url);
const options = {
  permissions: {},
  taskNames: ["ok"],
  jobsPerWorker: 1,
  maxResultBytes: 1000,
  taskSettings: {},
};
/** Long enough for a worker to write a frame. */
const spinMs = 50;

Deno.test("openWorkerThread tells of frames in their order, also of those that a takeBack in between finds", async () => {
  const told: [FrameKind, number][] = [];
  const end = Promise.withResolvers<void>();
  const worker = openWorkerThread(workerUrl, options, {
    onBytes(bytes) {
      readFrames(bytes, 1000, ({ kind, number }) => {
        if (told.push([kind, number]) === 1) takeBackWhileItWrites();
        if (told.length === 4) end.resolve();
      });
    },
    onReturned: () => {},
    onWornOut: () => {},
    onLost: (reason) => end.reject(new Error(reason)),
  });
  function takeBackWhileItWrites(): void {
    worker.send("{}");
    for (const untilMs = performance.now() + spinMs; performance.now() < untilMs;) {
      worker.takeBack();
    }
  }
  try {
    worker.sendRuns("{}", 1);
    await within(end.promise, "four frames");
  } finally {
    await worker.close();
  }
  const { Completed, Flush } = FrameKind;
  assert.deepEqual(told, [[Completed, 1], [Flush, 0], [Completed, 2], [Flush, 0]]);
});
