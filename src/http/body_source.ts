// The body of a request as it arrives, part by part, whichever listener receives it. Read by
// src/http/request_body.ts, and by the listeners for what nobody read.

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
  return (env as ListenerBindings | undefined)?.body ?? streamBody(req.raw);
}

/** What its listener found wrong with the head of the request of that context. */
export function problemOf({ env }: Context): string | undefined {
  return (env as ListenerBindings | undefined)?.problem;
}

/** The body of a request as its stream gives it. */
export function streamBody({ body }: Request): BodySource {
  let isComplete = body === null;
  return {
    get isComplete() {
      return isComplete;
    },
    async read(onPart, timeoutMs) {
      if (isComplete || body === null) return true;
      const reader = body.getReader();
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        reader.releaseLock();
      }, timeoutMs);
      try {
        for (;;) {
          const { value, done } = await reader.read().catch((cause) => {
            throw new BrokenBodyError("the connection broke off", { cause });
          });
          if (done) return isComplete = true;
          onPart(value);
        }
      } catch (error) {
        if (isLate) return false;
        throw error;
      } finally {
        clearTimeout(timer);
        reader.releaseLock();
      }
    },
  };
}
