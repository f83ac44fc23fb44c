// The app of makeApp behind a real listener of either kind, on a free port of loopback.

import type { MaybePromise } from "../../src/maybe_promise.ts";
import type { ListenerOptions } from "../../src/http/http_server.ts";
import { openListener } from "../../src/http/listener.ts";
import { makeApp, type TestApp, type TestAppOptions } from "./make_app.ts";

/** An app that listens. */
export interface OpenApp extends AsyncDisposable, TestApp {
  readonly port: number;
  /** Stops to listen, in order. */
  readonly close: () => Promise<void>;
}

/** How to open it. */
export interface OpenAppOptions extends TestAppOptions, Partial<ListenerOptions> {
  readonly kind: ListenerOptions["kind"];
  /** In place of the app. */
  readonly answer?: (request: Request) => MaybePromise<Response>;
}

/** Opens the app, with bounds that no test reaches unless it sets them. */
export async function openApp(options: OpenAppOptions): Promise<OpenApp> {
  const app = await makeApp(options);
  const bounds = {
    hostname: "127.0.0.1",
    port: 0,
    headTimeoutMs: 10_000,
    bodyTimeoutMs: 10_000,
    idleTimeoutMs: 10_000,
    sendTimeoutMs: 10_000,
    maxConnections: 1000,
  };
  const listener = await openListener(
    { ...bounds, ...options },
    options.answer ?? app.fetch,
    () => {
      throw new Error("the listener is deaf");
    },
  );
  return {
    ...app,
    port: listener.port,
    close: () => listener.close(),
    async [Symbol.asyncDispose]() {
      const closed = listener.close();
      listener.abort();
      await closed;
    },
  };
}
