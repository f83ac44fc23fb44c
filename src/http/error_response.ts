// From anything thrown to the one error shape: {"error":true,"code":...,"message":"...","details":[...]?}.
// Called by src/http/app.ts. Never shows a stack, a cause, or the message of an error that is not ours.

import { type ErrorCode, type ErrorDetail, ValetError } from "../errors.ts";
import type { Answer } from "./answer.ts";
import { BodyTimeoutError } from "./request_body.ts";

const statusOfCode: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  invalid_config: 500,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 409,
  queue_full: 503,
  too_large: 413,
  unavailable: 503,
  internal: 500,
};

const internalMessage = "Valet could not answer the request; the cause is in its log";

/** What a client may try again, it may try again after this. */
const retryHeaders = { "retry-after": "1" };
/** The rest of the body is not read: the connection cannot be used again. */
const closeHeaders = { "connection": "close" };

/** The answer to a request whose handling threw. A status of 500 and above is one for the log. */
export function answerOfError(thrown: unknown): Answer {
  if (thrown instanceof BodyTimeoutError) {
    return errorAnswer(408, thrown.message, { headers: closeHeaders });
  }
  if (!(thrown instanceof ValetError)) return errorAnswer(500, internalMessage);
  const { code, message, details } = thrown;
  const status = statusOfCode[code];
  switch (code) {
    case "queue_full":
    case "unavailable":
      return errorAnswer(status, message, { headers: retryHeaders });
    case "too_large":
      return errorAnswer(status, message, { headers: closeHeaders });
    default:
      return errorAnswer(status, status === 500 ? internalMessage : message, { details });
  }
}

/** An answer in the error shape. */
export function errorAnswer(
  status: number,
  message: string,
  options: {
    readonly details?: readonly ErrorDetail[];
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Answer {
  const { details = [], headers } = options;
  const body = { error: true, code: status, message, ...(details.length > 0 && { details }) };
  return { status, json: JSON.stringify(body), ...(headers && { headers }) };
}
