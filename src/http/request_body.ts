// Reads the JSON object that a request carries, within bounds of size, time, depth and number of values.
// Called by the routes; nothing else may read a body. Every bound counts what arrives, never what was
// announced.

import type { Context } from "hono";
import { type ErrorDetail, ValetError } from "../errors.ts";
import type { JsonObject } from "../jobs/request_check.ts";
import { SlicedWork } from "../jobs/sliced_work.ts";
import { bodyOf, type BodySource, BrokenBodyError } from "./body_source.ts";
import { createJsonCounter, findChangedNumbers } from "./json_scan.ts";

/** The bounds of a request's body. */
export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** What a request carries. */
export interface RequestBody {
  readonly value: JsonObject;
  /** The numbers of the text that are others in `value`: each with its path and what is wrong with it. */
  readonly changedNumbers: readonly ErrorDetail[];
}

/** Reads the body of a request, gives it to `use`, and ends as that does. */
export type UseBody = <Result>(
  context: Context,
  use: (body: RequestBody) => Promise<Result>,
) => Promise<Result>;

const jsonLimits = { maxLevels: 64, maxValues: 100_000 };
/** What the large bodies of all requests under way may have: each takes ten times that until it is answered. */
const maxLargeBytes = 64 * 1024 * 1024;
/** What a body may have, however small they are, and beyond that of what size: a tiny part costs more than its bytes. */
const maxTinyParts = 10_000;
const tinyPartBytes = 64;
/** A body of more than this is a large one; others are never kept waiting by those. */
const largeBytes = 64 * 1024;

/**
 * Makes the reader of bodies. It throws ValetError: `too_large`, `timeout`, `unsupported` for a compressed
 * body, `overloaded` where the bodies of requests under way take too much memory, `invalid_argument` for
 * everything else that is no JSON object. The content type is not looked at: many clients get it wrong.
 */
export function createBodyReader({ maxBytes, timeoutMs }: BodyLimits): UseBody {
  /** Of all large bodies that have arrived and whose requests are not answered. */
  let heldBytes = 0;

  return async (context, use) => {
    const { headers } = context.req.raw;
    refuseCompressed(headers);
    if (Number(headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
    const count = createJsonCounter(jsonLimits);
    let text: Uint8Array = new Uint8Array();
    let bytes = 0;
    let partCount = 0;
    let held = 0;

    function take(part: Uint8Array): void {
      const start = bytes;
      bytes += part.byteLength;
      partCount++;
      if (partCount > maxTinyParts && bytes < partCount * tinyPartBytes) throw tooManyParts();
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      if (bytes > largeBytes) hold(bytes - held);
      count(part);
      // Nearly every body comes as one part. Kept as they come, a million parts of one byte would take a gigabyte.
      if (start === 0) text = part;
      else text = append(text, start, part);
    }

    function hold(more: number): void {
      // One alone may be as large as it is allowed to be.
      if (heldBytes > held && heldBytes + more > maxLargeBytes) throw tooMany();
      held += more;
      heldBytes += more;
    }

    try {
      await readAll(bodyOf(context), take, timeoutMs);
      // To parse and check one can take a tenth of a second: no two in one turn of the event loop.
      if (bytes > largeBytes) await new SlicedWork().pause();
      return await use(parse(decode(text.subarray(0, bytes))));
    } finally {
      heldBytes -= held;
    }
  };
}

async function readAll(
  body: BodySource,
  take: (part: Uint8Array) => void,
  timeoutMs: number,
): Promise<void> {
  let isComplete: boolean;
  try {
    isComplete = await body.read(take, timeoutMs);
  } catch (error) {
    if (!(error instanceof BrokenBodyError)) throw error;
    throw unreadable("the connection broke off", error);
  }
  if (isComplete) return;
  throw new ValetError(
    "timeout",
    `Cannot read the body: it did not arrive within ${timeoutMs} ms`,
  );
}

function refuseCompressed(headers: Headers): void {
  const coding = headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (coding === "" || coding === "identity") return;
  throw new ValetError(
    "unsupported",
    `Cannot read the body: its Content-Encoding is ${JSON.stringify(coding.slice(0, 64))}; ` +
      "a body that is not compressed is allowed",
  );
}

/** The buffer, or a larger one with what is in it, with the part at that place. */
function append(buffer: Uint8Array, start: number, part: Uint8Array): Uint8Array {
  const end = start + part.byteLength;
  let larger = buffer;
  if (end > buffer.byteLength) {
    larger = new Uint8Array(2 * end);
    larger.set(buffer);
  }
  larger.set(part, start);
  return larger;
}

/** One for all: to make one costs more than to decode most bodies. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(text: Uint8Array): string {
  try {
    return decoder.decode(text);
  } catch (cause) {
    throw unreadable("it is not UTF-8", cause);
  }
}

function parse(text: string): RequestBody {
  if (text === "") throw noObject("empty");
  if (text.startsWith("\ufeff")) {
    throw unreadable("it begins with a byte order mark; send it without one");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw noObject(`no JSON: ${(error as Error).message}`, error);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw noObject(
      value === null ? "null" : Array.isArray(value) ? "an array" : `a ${typeof value}`,
    );
  }
  return { value: value as JsonObject, changedNumbers: findChangedNumbers(text) };
}

function noObject(kind: string, cause?: unknown): ValetError {
  return unreadable(`it is ${kind}; an object is allowed`, cause);
}

function unreadable(problem: string, cause?: unknown): ValetError {
  return new ValetError("invalid_argument", `Cannot read the body: ${problem}`, { cause });
}

function tooManyParts(): ValetError {
  return unreadable(
    `it comes in more than ${maxTinyParts} chunks of less than ${tinyPartBytes} bytes; send larger ones`,
  );
}

function tooMany(): ValetError {
  return new ValetError(
    "overloaded",
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
