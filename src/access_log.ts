// The access log: one info line a request. Called by src/http/app.ts for every request, so it builds
// its line in one go, past the logger; the line is the one that formatLine makes of the same record.

import { getLogger, writeLine } from "./log.ts";
import { formatTime, type LogFormat } from "./log_line.ts";
import { quoteText, quoteUnlessPlain } from "./log_text.ts";

/** One answered request. */
export interface AccessRecord {
  /** `GET`, `POST`, ... */
  readonly method: string;
  /** Without the query, which may hold what is private. Up to 1024 characters are written. */
  readonly path: string;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** From the request's arrival to its answer. */
  readonly durationMs: number;
  /** The id that the answer carries in `X-Request-Id`. */
  readonly requestId: string;
}

const maxPathLength = 1024;

/**
 * A function that logs one request, in the format that `configureLogging` was given; call this after
 * it. Does nothing where the level leaves out info.
 */
export function createAccessLog(format: LogFormat): (record: AccessRecord) => void {
  if (!getLogger("http").isEnabledFor("info")) return () => {};
  const formatAccess = format === "json" ? formatAsJson : formatAsText;
  return (record) => writeLine(formatAccess(record, formatTime(Date.now())));
}

function formatAsText(record: AccessRecord, time: string): string {
  const { method, requestId, status } = record;
  return `${time} INFO  http: request method=${quoteUnlessPlain(method)}` +
    ` path=${quoteUnlessPlain(shortPath(record))} status=${status}` +
    ` duration_ms=${roundedMs(record)} request_id=${quoteUnlessPlain(requestId)}`;
}

function formatAsJson(record: AccessRecord, time: string): string {
  const { method, requestId, status } = record;
  return `{"time":"${time}","level":"info","component":"http","message":"request"` +
    `,"method":${quoteText(method)},"path":${quoteText(shortPath(record))},"status":${status}` +
    `,"duration_ms":${roundedMs(record)},"request_id":${quoteText(requestId)}}`;
}

function shortPath({ path }: AccessRecord): string {
  return path.length <= maxPathLength ? path : `${path.slice(0, maxPathLength)}...`;
}

/** To the hundredth: finer digits say nothing. */
function roundedMs({ durationMs }: AccessRecord): number {
  return Math.round(durationMs * 100) / 100;
}
