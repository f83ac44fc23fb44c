// Reads the JSON object that a request carries, within a size and a time. Called by the routes.
// Deno.serve sets no limit to either, so nothing else may read a body.

import { startTimer } from "../clock.ts";
import { ValetError } from "../errors.ts";
import type { JsonObject } from "../jobs/request.ts";

/** The body of a request did not arrive within its time. */
export class BodyTimeoutError extends Error {
  override readonly name = "BodyTimeoutError";
}

/** The bounds of a request's body. */
export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** Reads the body of a request, gives it to `use`, and ends as that does. */
export type UseBody = <Result>(
  request: Request,
  use: (body: JsonObject) => Promise<Result>,
) => Promise<Result>;

/** What the large bodies of all requests under way may have: each takes ten times that until it is answered. */
const maxLargeBytes = 64 * 1024 * 1024;
/** A body of more than this is a large one; others are never kept waiting by those. */
const largeBytes = 64 * 1024;

/**
 * Makes the reader of bodies. It throws ValetError `too_large`, `invalid_argument` for a body that is no JSON
 * object, `unavailable` where the bodies of requests under way take too much memory, and BodyTimeoutError.
 * The content type is not looked at: many clients get it wrong.
 */
export function createBodyReader(limits: BodyLimits): UseBody {
  const { maxBytes, timeoutMs } = limits;
  const withDeadline = createDeadline(timeoutMs);
  let heldBytes = 0;

  return async (request, use) => {
    const length = request.headers.get("content-length");
    const bytes = length === null ? maxBytes : Number(length);
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    if (bytes <= largeBytes) return await use(await read(request, length));
    if (heldBytes > 0 && heldBytes + bytes > maxLargeBytes) throw tooMany();
    heldBytes += bytes;
    try {
      return await use(await read(request, length));
    } finally {
      heldBytes -= bytes;
    }
  };

  async function read(request: Request, length: string | null): Promise<JsonObject> {
    if (length === "0") throw noObject("empty");
    try {
      // A declared length is one that the HTTP server keeps the client to. A transfer coding has none.
      if (length === null) {
        const text = await readStream(request, maxBytes, withDeadline);
        if (text === "") throw noObject("empty");
        return toObject(JSON.parse(text));
      }
      let isRead = false;
      let value: unknown;
      // Deno's shortest way to a body.
      const reading = request.json();
      reading.then((json) => {
        isRead = true;
        value = json;
      }, () => {}); // a failure shows in what waits for the same reading below
      // Most bodies came with their request's head. Those are read within two turns: no deadline for them.
      for (let turn = 0; turn < turnsOfReadyBody && !isRead; turn++) await null;
      return toObject(isRead ? value : await withDeadline(reading));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      // JSON has no byte order mark, and in the message nobody would see it.
      const problem = error.message.replaceAll("\ufeff", "U+FEFF");
      throw noObject(`no JSON: ${problem}`, error);
    }
  }
}

/** Turns of the microtask queue, with some to spare. */
const turnsOfReadyBody = 4;

/** Ends as the reading does, or when its time is over. */
type Deadline = <T>(reading: Promise<T>) => Promise<T>;

/**
 * One timer for all bodies that are being read, not one for each: it is armed for the oldest of them and
 * cleared with the last.
 */
function createDeadline(timeoutMs: number): Deadline {
  interface Read {
    readonly deadlineMs: number;
    readonly reject: (error: unknown) => void;
  }
  const reads = new Set<Read>(); // in the order of their deadlines
  let cancelTimer: (() => void) | undefined;

  function arm(): void {
    const oldest = reads.values().next().value;
    cancelTimer = oldest && startTimer(oldest.deadlineMs - performance.now(), sweep);
  }

  function sweep(): void {
    const nowMs = performance.now();
    for (const read of reads) {
      if (read.deadlineMs > nowMs) break;
      reads.delete(read);
      read.reject(
        new BodyTimeoutError(`Cannot read the body: it did not arrive within ${timeoutMs} ms`),
      );
    }
    arm();
  }

  return (reading) =>
    new Promise((resolve, reject) => {
      const read = { deadlineMs: performance.now() + timeoutMs, reject };
      reads.add(read);
      if (cancelTimer === undefined) arm();
      reading.then(resolve, (cause) => {
        const message = "Cannot read the body: the connection broke off";
        const isNoJson = cause instanceof SyntaxError;
        reject(isNoJson ? cause : new ValetError("invalid_argument", message, { cause }));
      }).finally(() => {
        if (!reads.delete(read) || reads.size > 0) return;
        cancelTimer?.();
        cancelTimer = undefined;
      });
    });
}

/** Reads a body of unknown length, and no more of it than is allowed. */
async function readStream(
  request: Request,
  maxBytes: number,
  withDeadline: Deadline,
): Promise<string> {
  if (request.body === null) return "";
  const reader = request.body.getReader();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  async function readAll(): Promise<string | undefined> {
    let text = "";
    let bytes = 0;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return text + decoder.decode();
      bytes += value.byteLength;
      if (bytes > maxBytes) return undefined;
      text += decoder.decode(value, { stream: true });
    }
  }
  try {
    const text = await withDeadline(readAll());
    if (text === undefined) throw tooLarge(maxBytes);
    return text;
  } catch (error) {
    reader.cancel().catch(() => {}); // what is left of the body has no reader: how it ends is of no interest
    throw error;
  }
}

function toObject(value: unknown): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  throw noObject(value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`);
}

function noObject(kind: string, cause?: unknown): ValetError {
  const message = `Cannot read the body: it is ${kind}; an object is allowed`;
  return new ValetError("invalid_argument", message, { cause });
}

function tooMany(): ValetError {
  return new ValetError(
    "unavailable",
    `Cannot read the body: the large bodies of requests under way take all of the ${maxLargeBytes} bytes ` +
      "that there are for them; try again later",
  );
}

function tooLarge(maxBytes: number): ValetError {
  return new ValetError(
    "too_large",
    `Cannot read the body: it is too large; at most ${maxBytes} bytes are allowed`,
  );
}
