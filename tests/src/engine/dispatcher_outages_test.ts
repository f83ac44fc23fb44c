import assert from "node:assert/strict";
import { ValetError } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { makeJob, makeJobs, testNowMs } from "../../testing/make_job.ts";
import { openDispatcher } from "../../testing/open_dispatcher.ts";
import { within } from "../../testing/within.ts";

Deno.test("Dispatcher fails a job whose result the store finds too large, and stores the others", async () => {
  await using logs = new CapturedLogs();
  await using parts = await openDispatcher({
    repository: (stored) => ({
      change(changes, nowMs) {
        const isLarge = changes.some((change) =>
          change.kind === "finish" && change.outcome.resultJson === '"large"'
        );
        if (!isLarge) return stored.change(changes, nowMs);
        return Promise.reject(new ValetError("too_large", "Cannot store 9 bytes; 8 are allowed"));
      },
    }),
  });
  const [large, fine] = makeJobs(2) as [Job, Job];
  await parts.add(large, fine);
  parts.dispatcher.start();
  const runs = await parts.pool.waitFor(2);
  parts.pool.end(runs.map((run, index) => ({
    run,
    outcome: {
      status: "COMPLETED",
      resultJson: index === 0 ? '"large"' : '"fine"',
      failureReason: undefined,
      startedAtMs: testNowMs,
      durationMs: 1,
    },
  })));
  for (const job of [large, fine]) await parts.until("ack", job);
  const failed = await parts.repository.get(large.id);
  assert.equal(failed?.status, "FAILED");
  assert.equal(
    failed.failureReason,
    "the result cannot be stored: Cannot store 9 bytes; 8 are allowed",
  );
  assert.equal((await parts.repository.getResult(fine.id))?.metadataJson, '"fine"');
  await logs.waitFor({ component: "dispatcher", level: "error" });
});

Deno.test("Dispatcher.stop does not wait for ever for a store that does not answer", async () => {
  const hung = Promise.withResolvers<never>();
  const asked = Promise.withResolvers<void>();
  await using parts = await openDispatcher({
    repository: () => ({
      change() {
        asked.resolve();
        return hung.promise;
      },
    }),
  });
  const job = makeJob();
  await parts.add(job);
  parts.dispatcher.start();
  await asked.promise;
  await within(parts.dispatcher.stop(50), "the stop");
  hung.reject(new ValetError("unavailable", "gone"));
  await parts.until("nack", job);
});
