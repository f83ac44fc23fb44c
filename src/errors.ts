// The one error class of Valet and the closed list of its codes.
// Thrown by every layer; src/http/error_response.ts turns a code into an HTTP status and a reason.

/** What went wrong, for machines. The list is closed: a new kind of failure takes one of these. */
export type ErrorCode =
  | "invalid_argument"
  | "invalid_config"
  | "forbidden"
  | "not_found"
  | "not_finished"
  | "method_not_allowed"
  | "timeout"
  | "already_exists"
  | "failed_precondition"
  | "too_large"
  | "unsupported"
  | "queue_full"
  | "unavailable"
  | "overloaded"
  | "internal";

/** One wrong field of an input: `path` as src/value_path.ts writes it (`task_params.rows[1].n`), empty for all of it. */
export interface ErrorDetail {
  readonly path: string;
  readonly message: string;
}

/**
 * A failure that Valet understands.
 *
 * The message is for people: what could not be done, why (with the value seen), what is allowed.
 * `cause` keeps the foreign error for the log and is never shown to a client. `fields` are what the answer has
 * beside the message, for programs.
 */
export class ValetError extends Error {
  override readonly name = "ValetError";
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  readonly fields: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      readonly details?: readonly ErrorDetail[];
      readonly fields?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.fields = options.fields ?? {};
  }
}

/** The message of anything that was thrown, for logs and failure reasons. */
export function errorMessage(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return String(thrown);
}

/** Whether something failed because a store or a broker cannot be reached. Its driver logs that, once. */
export function isUnavailable(thrown: unknown): boolean {
  return thrown instanceof ValetError && thrown.code === "unavailable";
}

/** Whether a queue has no room for what was to be published. */
export function isQueueFull(thrown: unknown): boolean {
  return thrown instanceof ValetError && thrown.code === "queue_full";
}

/**
 * Whether a store or a broker refuses what it was given, and always will: too large, or a value that it cannot
 * hold. That is the affair of the one job which it belongs to.
 */
export function isRefusal(thrown: unknown): boolean {
  return thrown instanceof ValetError &&
    (thrown.code === "too_large" || thrown.code === "invalid_argument");
}
