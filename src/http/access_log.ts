// The access log: one line a request, at info for one that may change something, at debug for reads and health
// checks, which come by the second. Called by src/http/app.ts for every request.

import { cutText } from "../cut_text.ts";
import { createRecordLog } from "../log/log.ts";

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
const fieldNames = ["method", "path", "status", "duration_ms", "request_id"];

/** A function that logs one request. */
export function createAccessLog(): (record: AccessRecord) => void {
  const kind = { component: "http", message: "request" };
  const logRead = createRecordLog({ level: "debug", ...kind }, fieldNames);
  const logWrite = createRecordLog({ level: "info", ...kind }, fieldNames);
  return ({ method, path, status, timeMs, durationMs, requestId }) => {
    const log = isRead(method) ? logRead : logWrite;
    log(timeMs, [method, cutText(path, maxPathLength), status, durationMs, requestId]);
  };
}

function isRead(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}
