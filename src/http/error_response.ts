// From anything thrown to the one error shape:
// {"error":true,"code":<status>,"reason":"...","message":"...", ...fields, "details":[...]?}.
// Called by src/http/app.ts. Never shows a stack, a cause, or the message of an error that is not ours.

import { type ErrorCode, type ErrorDetail, ValetError } from "../errors.ts";
import type { Answer } from "./answer.ts";

/** What went wrong, for the programs of clients: a closed list. */
type Reason =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "not_finished"
  | "method_not_allowed"
  | "timeout"
  | "conflict"
  | "too_large"
  | "unsupported"
  | "mismatch"
  | "too_many"
  | "queue_full"
  | "unavailable"
  | "overloaded"
  | "internal";

type Headers = Readonly<Record<string, string>>;

/** What a client may try again, it may try again after this. */
const retry: Headers = { "retry-after": "1" };
/** The rest of the body is not read: the connection cannot be used again. */
const close: Headers = { "connection": "close" };

/** How each code is answered. */
const answerOfCode: Readonly<Record<ErrorCode, readonly [number, Reason, Headers?]>> = {
  invalid_argument: [400, "invalid"],
  invalid_config: [500, "internal"],
  forbidden: [403, "forbidden"],
  not_found: [404, "not_found"],
  not_finished: [404, "not_finished"],
  method_not_allowed: [405, "method_not_allowed"],
  timeout: [408, "timeout", close],
  already_exists: [409, "conflict"],
  failed_precondition: [409, "conflict"],
  too_large: [413, "too_large", close],
  unsupported: [415, "unsupported", close],
  queue_full: [503, "queue_full", retry],
  unavailable: [503, "unavailable", retry],
  overloaded: [503, "overloaded", retry],
  internal: [500, "internal"],
};

const internalMessage = "Valet could not answer the request; the cause is in its log";

type ErrorAnswer = Answer & { readonly json: string };

/** The answer to a request whose handling threw. A status of 500 is one for the log. */
export function answerOfError(thrown: unknown): ErrorAnswer {
  if (!(thrown instanceof ValetError) || answerOfCode[thrown.code][0] === 500) {
    return errorAnswer("internal", internalMessage);
  }
  return errorAnswer(thrown.code, thrown.message, thrown);
}

/** An answer in the error shape; `fields` and `details` are those of a ValetError. */
export function errorAnswer(
  code: ErrorCode,
  message: string,
  options: {
    readonly details?: readonly ErrorDetail[];
    readonly fields?: Readonly<Record<string, string>>;
    readonly headers?: Headers;
  } = {},
): ErrorAnswer {
  const [status, reason, codeHeaders] = answerOfCode[code];
  const { fields, details = [] } = options;
  const body = {
    error: true,
    code: status,
    reason,
    message,
    ...fields,
    ...(details.length > 0 && { details }),
  };
  const headers = { ...codeHeaders, ...options.headers };
  return { status, json: JSON.stringify(body), headers };
}
