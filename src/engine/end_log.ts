// The log line of a finished job: one for each, at info, of a failed one at warn. Called by the dispatcher for
// the runs of this node, whose outcomes are stored.

import type { Job, Outcome } from "../jobs/job.ts";
import { createRecordLog, getLogger } from "../log/log.ts";

/** Of a failure reason in the log, in characters: the stack needs room; clients see all of the reason. */
const maxReasonLength = 2_000;

const log = getLogger("dispatcher");
const logCompleted = createRecordLog(
  { level: "info", component: "dispatcher", message: "job completed" },
  [
    "job_id",
    "task",
    "outcome",
    "attempt",
    "duration_ms",
    "cpu_ms",
    "peak_memory_mb",
    "request_id",
  ],
);

/** Logs how a job ended. `requestId` is that of the request that made it, where this node had it. */
export function logFinished(
  timeMs: number,
  job: Job,
  outcome: Outcome,
  requestId: string | undefined,
): void {
  const { id, taskName, attempt } = job;
  const { cpuMs, peakMemoryBytes } = outcome;
  const durationMs = Math.round(outcome.durationMs);
  const peakMemoryMb = peakMemoryBytes && Math.round(peakMemoryBytes / 2 ** 20);
  if (outcome.status === "COMPLETED") {
    const ended = [id, taskName, "completed", attempt, durationMs];
    logCompleted(timeMs, [...ended, cpuMs, peakMemoryMb, requestId]);
    return;
  }
  log.warn("job failed", {
    job_id: id,
    task: taskName,
    outcome: "failed",
    attempt,
    duration_ms: durationMs,
    cpu_ms: cpuMs,
    peak_memory_mb: peakMemoryMb,
    request_id: requestId,
    reason: outcome.failureReason?.slice(0, maxReasonLength),
    stack: outcome.trace,
  });
}
