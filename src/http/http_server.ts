// The interface of the two listeners: how each is opened, and what the caller gets.

import type { MaybePromise } from "../maybe_promise.ts";
import type { ListenerBindings } from "./body_source.ts";

/** Where and how to listen. The bounds of connections hold with `node` alone: Deno.serve has none. */
export interface ListenerOptions {
  readonly kind: "node" | "deno";
  readonly hostname: string;
  /** 0: any free one. */
  readonly port: number;
  /** For a client to send the head of a request. */
  readonly headTimeoutMs: number;
  /** For a client to send a body; the app answers 408 then. */
  readonly bodyTimeoutMs: number;
  /** For a client to send the next request on a connection. */
  readonly idleTimeoutMs: number;
  /** For a client to read a part of its answer. */
  readonly sendTimeoutMs: number;
  /** Further ones are closed at once. */
  readonly maxConnections: number;
}

/** The app: it never throws and never rejects. */
export type AppFetch = (request: Request, bindings: ListenerBindings) => MaybePromise<Response>;

/** An open listener. */
export interface Listener {
  readonly hostname: string;
  readonly port: number;
  /** Refuses new connections at once; resolves when the requests under way have their answers. */
  close(): Promise<void>;
  /** Ends every connection, where the listener can: those of `deno` end with the process. */
  abort(): void;
}

/** One server of either kind. */
export interface HttpServer extends Listener {
  /** Aborts, with the error as its reason, if the server stops to listen by itself. */
  readonly failed: AbortSignal;
}
