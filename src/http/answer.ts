// What a route hands back: plain data, of which src/http/app.ts makes the one Response of a request.

import type { Context } from "hono";
import type { MaybePromise } from "../maybe_promise.ts";

/** An answer to a request. */
export interface Answer {
  /** HTTP status. */
  readonly status: number;
  /** JSON, as a text or in UTF-8; null: no body. */
  readonly json: string | Uint8Array<ArrayBuffer> | null;
  /** Headers beside those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One route of the API. */
export interface Route {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Path below the mount point, in Hono's notation: `/jobs/:id`. */
  readonly path: string;
  /** What becomes of a query string: the handler reads it, or nobody looks. Absent: any parameter is refused. */
  readonly query?: "read" | "ignored";
  /** `mount` is the prefix under which the route was called: empty or `/api`. */
  readonly handle: (context: Context, mount: string, requestId: string) => MaybePromise<Answer>;
}

/** The answer that says no more than that it is done. */
export const noContent: Answer = { status: 204, json: null };
