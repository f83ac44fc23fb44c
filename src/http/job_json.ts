// A job and a result as the API shows them. JSON text is put together by hand, because params and metadata
// are JSON text already and are never parsed on their way to the client.

import type { Job, JobResult } from "../jobs/job.ts";
import { formatTimestamp } from "../jobs/timestamp.ts";

/**
 * The JSON text of a job: what is not set is absent.
 *
 * @param unitMs the milliseconds of one unit of `timeout`.
 */
export function jobJson(job: Job, unitMs: number): string {
  let text = `{"id":"${job.id}","name":${JSON.stringify(job.name)}`;
  if (job.description !== undefined) text += `,"description":${JSON.stringify(job.description)}`;
  text += `,"task_name":${JSON.stringify(job.taskName)}`;
  if (job.paramsJson !== undefined) text += `,"task_params":${job.paramsJson}`;
  if (job.timeoutMs > 0) text += `,"timeout":${timeoutJson(job.timeoutMs, unitMs)}`;
  text += `,"status":"${job.status}"`;
  if (job.failureReason !== undefined) {
    text += `,"failure_reason":${JSON.stringify(job.failureReason)}`;
  }
  text += timeJson("run_at", job.runAtMs) + timeJson("scheduled_at", job.scheduledAtMs) +
    timeJson("created_at", job.createdAtMs) + timeJson("started_at", job.startedAtMs) +
    timeJson("completed_at", job.completedAtMs);
  if (job.durationMs !== undefined) text += `,"duration":${Math.round(job.durationMs)}`;
  return text + "}";
}

/** The JSON text of a job's result. */
export function resultJson(result: JobResult): string {
  let text = `{"job_id":"${result.jobId}"`;
  if (result.metadataJson !== undefined) text += `,"metadata":${result.metadataJson}`;
  if (result.error !== undefined) text += `,"error":${JSON.stringify(result.error)}`;
  return text + "}";
}

/** In the form of a request, which has no part of a unit. */
function timeoutJson(timeoutMs: number, unitMs: number): string {
  return timeoutMs % unitMs === 0 ? String(timeoutMs / unitMs) : `"${timeoutMs}ms"`;
}

function timeJson(field: string, timestampMs: number | undefined): string {
  return timestampMs === undefined ? "" : `,"${field}":"${formatTimestamp(timestampMs)}"`;
}
