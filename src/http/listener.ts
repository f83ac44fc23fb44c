// Listens for HTTP with node:http, or with Deno.serve for its peak rate behind a proxy. No other file knows
// which of the two. Opened by src/node/node.ts. The listener sends itself a request over its own port every
// few seconds; without an answer it listens anew.

import { systemClock } from "../clock.ts";
import { errorMessage, ValetError } from "../errors.ts";
import { getLogger } from "../log/log.ts";
import { ownHost } from "../url_host.ts";
import { listenWithDeno } from "./deno_listener.ts";
import type { AppFetch, HttpServer, Listener, ListenerOptions } from "./http_server.ts";

/** Between two such requests, and the longest wait for an answer. */
const checkIntervalMs = 5_000;
const retryIntervalMs = 1_000;
/** The longest time without an answer before the listener gives up. */
const maxDeafMs = 20_000;

const log = getLogger("http");

/** Loads what a listener needs, 35 ms of modules; {@link openListener} does it too where it was not called before. */
export async function loadListen(
  kind: ListenerOptions["kind"],
): Promise<(options: ListenerOptions, fetch: AppFetch) => Promise<HttpServer>> {
  // Imported when needed: node:http takes time and memory.
  return kind === "deno" ? listenWithDeno : (await import("./node_listener.ts")).listenWithNode;
}

/**
 * Starts to listen. If a server stops to listen by itself, the next one takes its port; `onDeaf` is called if
 * that has not helped for 20 seconds.
 *
 * @throws ValetError `failed_precondition` where it cannot listen at all.
 */
export async function openListener(
  options: ListenerOptions,
  fetch: AppFetch,
  onDeaf: () => void,
): Promise<Listener> {
  const listen = await loadListen(options.kind);
  let server: HttpServer;
  try {
    server = await listen(options, fetch);
  } catch (cause) {
    throw cannotListen(options, cause);
  }
  const { hostname, port } = server;
  const closing = new AbortController();
  const { signal } = closing;
  const servers = [server];
  /** Ends a pause early. */
  let wake = AbortSignal.any([signal, server.failed]);

  async function watch(): Promise<void> {
    let answeredAtMs = performance.now();
    let isDeaf = false;
    while (!signal.aborted) {
      await systemClock.sleep(isDeaf ? retryIntervalMs : checkIntervalMs, wake);
      const reason = server.failed.aborted
        ? errorMessage(server.failed.reason)
        : await askItself(hostname, port);
      if (signal.aborted) return;
      if (reason === undefined) {
        if (isDeaf) log.info("the API answers again");
        isDeaf = false;
        answeredAtMs = performance.now();
        continue;
      }
      if (!isDeaf) log.error("the API does not answer over its own port", { reason });
      isDeaf = true;
      if (performance.now() - answeredAtMs > maxDeafMs) return onDeaf();
      await listenAnew();
      await systemClock.sleep(retryIntervalMs, signal);
    }
  }

  async function listenAnew(): Promise<void> {
    // The old server serves its open connections to their end.
    void server.close();
    try {
      server = await listen({ ...options, port }, fetch);
      servers.push(server);
      wake = AbortSignal.any([signal, server.failed]);
    } catch (error) {
      log.warn("cannot listen anew", { reason: errorMessage(error) });
    }
  }

  void watch();
  return {
    hostname,
    port,
    async close() {
      closing.abort();
      await Promise.all(servers.map((server) => server.close()));
    },
    abort() {
      for (const server of servers) server.abort();
    },
  };
}

/**
 * Why nothing answers at that address; undefined: something does. The listener answers the malformed request by
 * itself, so that the app neither counts nor logs it. A connection that is closed at once was accepted, too.
 */
async function askItself(hostname: string, port: number): Promise<string | undefined> {
  const late = new AbortController();
  const { signal } = late;
  const timer = setTimeout(() => late.abort(), checkIntervalMs);
  try {
    using connection = await Deno.connect({ hostname: ownHost(hostname), port, signal });
    signal.addEventListener("abort", () => connection.close());
    await connection.write(new TextEncoder().encode("?\r\n\r\n"));
    await connection.read(new Uint8Array(1));
    return undefined;
  } catch (error) {
    if (signal.aborted) return `no answer within ${checkIntervalMs} ms`;
    if (error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe) {
      return undefined;
    }
    return errorMessage(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Why a server cannot listen, by the error of Deno.serve and the code of node:http, and what to do. */
const reasons = [
  [
    Deno.errors.AddrInUse,
    "EADDRINUSE",
    "the port is in use; end what listens there, or set port to another one (0: any free one)",
  ],
  [
    Deno.errors.AddrNotAvailable,
    // As node:http of Deno calls it.
    "EINVAL",
    "this machine has no such address; set server.host to one that it has, or to 0.0.0.0 for all",
  ],
  [
    undefined,
    "ENOTFOUND",
    "no address of that name is known; set server.host to an address of this machine",
  ],
  [
    Deno.errors.PermissionDenied,
    "EACCES",
    "the system does not allow that port to this user; set port to 1024 or more, or grant CAP_NET_BIND_SERVICE",
  ],
] as const;

function cannotListen({ hostname, port }: ListenerOptions, cause: unknown): ValetError {
  const why = reasons.find(([kind, code]) =>
    (kind !== undefined && cause instanceof kind) || (cause as { code?: unknown }).code === code
  );
  const reason = why === undefined ? errorMessage(cause) : why[2];
  const message = `Cannot listen on port ${port} of server.host ${hostname}: ${reason}`;
  return new ValetError("failed_precondition", message, { cause });
}
