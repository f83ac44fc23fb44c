// The body of a request as it arrives, part by part, from either listener. Read by src/http/request_body.ts;
// what that leaves unread, the listeners drop.

import type { Context } from "hono";

/** The body of one request. Several may read it, one after the other. */
export interface BodySource {
  /** Whether all of it has arrived. */
  readonly isComplete: boolean;
  /**
   * Calls back with each part as it arrives. Resolves with true at the end of the body, with false when the
   * time is over. Rejects with what the callback throws, or as BrokenBodyError.
   */
  read(onPart: (bytes: Uint8Array) => void, timeoutMs: number): Promise<boolean>;
}

/** The client went away, or its framing was wrong, before the body was complete. */
export class BrokenBodyError extends Error {
  override readonly name = "BrokenBodyError";
}

/** What a listener hands to the app beside a request. */
export interface ListenerBindings {
  readonly body?: BodySource;
  /** What is wrong with the head: the answer is 400, whatever the request asks for. */
  readonly problem?: string | undefined;
}

/** The body of the request of that context. */
export function bodyOf({ env, req }: Context): BodySource {
  return (env as ListenerBindings | undefined)?.body ?? webBody(req.raw);
}

/** What its listener found wrong with the head of the request of that context. */
export function problemOf({ env }: Context): string | undefined {
  return (env as ListenerBindings | undefined)?.problem;
}

/**
 * Up to this announced length, which the server keeps its client to, a body is read at once: its stream would
 * cost 10 microseconds more.
 */
const smallBytes = 64 * 1024;

/** The body of a request of the fetch API. */
export function webBody(request: Request): BodySource {
  const length = request.headers.get("content-length");
  const isSmall = length !== null && Number(length) <= smallBytes;
  // To look at `body` makes a stream, which costs more than all else here.
  let isComplete = length === null && request.body === null;
  return {
    get isComplete() {
      return isComplete;
    },
    async read(onPart, timeoutMs) {
      if (isComplete) return true;
      const read = isSmall && !request.bodyUsed ? readAtOnce : readStream;
      isComplete = await read(request, onPart, timeoutMs);
      return isComplete;
    },
  };
}

async function readAtOnce(
  request: Request,
  onPart: (bytes: Uint8Array) => void,
  timeoutMs: number,
): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeIsOver = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs);
  });
  try {
    const bytes = await Promise.race([request.bytes().catch(brokenOff), timeIsOver]);
    if (bytes === null) return false;
    onPart(bytes);
    return true;
  } finally {
    clearTimeout(timer);
  }
}

async function readStream(
  { body }: Request,
  onPart: (bytes: Uint8Array) => void,
  timeoutMs: number,
): Promise<boolean> {
  const reader = body!.getReader();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reader.releaseLock();
  }, timeoutMs);
  try {
    for (;;) {
      const { value, done } = await reader.read().catch(brokenOff);
      if (done) return true;
      onPart(value);
    }
  } catch (error) {
    if (isLate) return false;
    throw error;
  } finally {
    clearTimeout(timer);
    reader.releaseLock();
  }
}

function brokenOff(cause: unknown): never {
  throw new BrokenBodyError("the connection broke off", { cause });
}
