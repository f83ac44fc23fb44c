// The access log: one info line a request. Called by src/http/app.ts for every request, so it builds
// its line in one go, past the logger; the line is the one that formatLine makes of the same record.

import { getLogger, writeLine } from "../log/log.ts";
import { formatTime, type LogFormat } from "../log/line.ts";
import { quoteText, quoteUnlessPlain } from "../log/text.ts";

/** One answered request. */
export interface AccessRecord {
  /** `GET`, `POST`, ... */
  readonly method: string;
  /** Without the query, which may hold what is private. Up to 1024 characters are written. */
  readonly path: string;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** When it was answered: milliseconds since the Unix epoch. */
  readonly timeMs: number;
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
  const isJson = format === "json";
  const quote = isJson ? quoteText : quoteUnlessPlain;
  let time = "";
  let method = "";
  let beginning = "";

  function formatAccess(record: AccessRecord): string {
    const recordTime = formatTime(record.timeMs);
    // Under load many requests share a millisecond and a method.
    if (recordTime !== time || record.method !== method) {
      time = recordTime;
      ({ method } = record);
      beginning = isJson
        ? `{"time":"${time}","level":"info","component":"http","message":"request",` +
          `"method":${quote(method)},"path":`
        : `${time} INFO  http: request method=${quote(method)} path=`;
    }
    const { status, durationMs } = record;
    const path = quote(shortPath(record));
    const requestId = quote(record.requestId);
    return isJson
      ? `${beginning}${path},"status":${status},"duration_ms":${durationMs},"request_id":${requestId}}`
      : `${beginning}${path} status=${status} duration_ms=${durationMs} request_id=${requestId}`;
  }

  return (record) => writeLine(() => formatAccess(record));
}

function shortPath({ path }: AccessRecord): string {
  return path.length <= maxPathLength ? path : `${path.slice(0, maxPathLength)}...`;
}
