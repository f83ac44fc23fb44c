// HTTP requests for the tasks that take a URL. It resolves a name first, checks every address and connects to
// just these, so that no name and no redirect leads to a private address. Loaded by the first request.

import { lookup } from "node:dns/promises";
import { type IncomingHttpHeaders, type IncomingMessage, request as send } from "node:http";
import { connect, isIP } from "node:net";
import type { Readable } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { TaskContext } from "../../src/tasks/task.ts";
import { decompress } from "./decompress.ts";
import { reasonOf } from "./http_failure.ts";
import { showUrl } from "./http_url.ts";
import { privateRange } from "./public_address.ts";

/** A request, checked. */
export interface HttpRequest {
  readonly method: string;
  /** Its user name and password, if any, are sent as `Authorization`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** `manual`: a redirect is an answer like any other; `error`: it is a failure. */
  readonly redirect: "follow" | "manual" | "error";
}

/** An answer. Its body is read to the end, or `close` is called. */
export interface HttpAnswer {
  readonly status: number;
  /** By their names in lower case; without those that a decompressed body makes untrue. */
  readonly headers: IncomingHttpHeaders;
  /** Decompressed. Leaving the loop early ends the connection. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection. */
  close(): void;
}

const maxRedirects = 20;
/** Interim answers (1xx) before the answer: without an end they would leave the thread no time for an abort. */
const maxInterimAnswers = 100;
const redirects = [301, 302, 303, 307, 308];
/** How long an address has before the next one of the same name is tried. */
const attemptMs = 2_000;
/** What another origin is sent: no header that could hold a credential, whatever its name. */
const harmlessHeaders =
  /^(?:accept|accept-(?:encoding|language)|content-(?:encoding|language|type)|range|user-agent)$/;

/**
 * Sends the request, follows its redirects and returns the answer.
 *
 * @throws the signal's reason if it aborted, `NotCapable` as it is, else an Error that names method and URL.
 */
export async function sendRequest(
  request: HttpRequest,
  context: TaskContext,
): Promise<HttpAnswer> {
  let url = new URL(request.url);
  let { body, method } = request;
  let headers = new Headers({
    accept: "*/*",
    "accept-encoding": "gzip, deflate, br",
    "user-agent": "Valet",
    ...request.headers,
  });
  const failed = (reason: string) => {
    const first = showUrl(request.url);
    const now = showUrl(url);
    const via = now === first ? "" : `redirected to ${now}: `;
    return new Error(`Cannot ${request.method} ${first}: ${via}${reason}`);
  };
  const explain = (thrown: unknown) => {
    if (context.signal.aborted) return context.signal.reason;
    const reason = reasonOf(thrown);
    return reason === undefined ? thrown : failed(reason);
  };
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw explain(thrown);
    }
  };
  for (let count = 0;; count++) {
    const addresses = await attempt(() => resolve(hostOf(url), context.signal));
    const problem = problemOf(hostOf(url), addresses, context);
    if (problem !== undefined) throw failed(problem);
    const response = await attempt(() =>
      exchange({ url, method, headers, body }, addresses, context.signal)
    );
    const { location } = response.headers;
    const status = response.statusCode!;
    const isRedirect = redirects.includes(status) && location !== undefined;
    if (!isRedirect || request.redirect === "manual") return answerOf(response, method, explain);
    response.destroy();
    const next = targetOf(location, url);
    if (next === undefined) throw failed(`answered ${status} with a Location that is no HTTP URL`);
    if (request.redirect === "error") {
      throw failed(`answered ${status}, a redirect to ${showUrl(next)}; redirect is "error"`);
    }
    if (count === maxRedirects) throw failed(`more than ${maxRedirects} redirects`);
    if (changesToGet(status, method)) {
      method = "GET";
      body = undefined;
      for (const name of [...headers.keys()]) {
        if (name.startsWith("content-")) headers.delete(name);
      }
    }
    if (next.origin !== url.origin) {
      headers = new Headers([...headers].filter(([name]) => harmlessHeaders.test(name)));
      next.username = next.password = "";
    }
    url = next;
  }
}

/** As browsers do. */
function changesToGet(status: number, method: string): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return status < 303 && method === "POST";
}

function targetOf(location: string, url: URL): URL | undefined {
  // Bytes of UTF-8, which node:http gives as characters of Latin-1.
  const text = new TextDecoder().decode(Uint8Array.from(location, (char) => char.charCodeAt(0)));
  const target = URL.parse(text, url);
  return target !== null && /^https?:$/.test(target.protocol) ? target : undefined;
}

interface Address {
  readonly address: string;
  readonly family: number;
}

/** The addresses of a host as the system finds them. A look-up that goes on after an abort is not waited for. */
async function resolve(host: string, signal: AbortSignal): Promise<Address[]> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([lookup(host, { all: true }), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** What forbids a connection to the host; undefined: nothing. */
function problemOf(
  host: string,
  addresses: readonly Address[],
  { job, settings }: TaskContext,
): string | undefined {
  if (settings["allow_private"] === true) return undefined;
  for (const { address } of addresses) {
    const range = privateRange(address);
    if (range === undefined) continue;
    const kind = range.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    const what = address === host ? "is a private address" : "has a private address";
    const setting = `tasks.${job.task_name}.allow_private`;
    return `${host} ${what} (${kind}), which needs ${setting}: true in the configuration`;
  }
  return undefined;
}

/** The host as a resolver and a certificate know it. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$|\.$/g, "");
}

interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | undefined;
}

/** One request and the head of its answer. */
function exchange(
  { body, headers, method, url }: Exchange,
  addresses: readonly Address[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const host = hostOf(url);
  const isSecure = url.protocol === "https:";
  const port = Number(url.port) || (isSecure ? 443 : 80);
  const lookUp = (
    _host: string,
    { all }: { all?: boolean },
    done: (error: null, found: string | readonly Address[], family?: number) => void,
  ) => all ? done(null, addresses) : done(null, addresses[0]!.address, addresses[0]!.family);
  const target = {
    host,
    port,
    lookup: lookUp as never,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: attemptMs,
  };
  const bytes = body === undefined ? undefined : new TextEncoder().encode(body);
  const sent: Record<string, string> = { host: url.host, ...Object.fromEntries(headers) };
  if (url.username + url.password !== "") sent["authorization"] ??= basic(url);
  // Without it node:http would send chunks, which not every server reads.
  if (bytes !== undefined || /^P/.test(method)) sent["content-length"] = `${bytes?.length ?? 0}`;
  return new Promise((resolve, reject) => {
    const outgoing = send({
      method,
      host,
      port,
      path: url.pathname + url.search,
      headers: sent,
      signal,
      // Not the connection of node:https: that one asks for a permission to read certificates.
      createConnection: () =>
        isSecure
          ? connectTls({
            ...target,
            servername: isIP(host) === 0 ? host : "",
            ALPNProtocols: ["http/1.1"],
          })
          : connect(target),
    });
    outgoing.on("error", reject);
    let interimCount = 0;
    outgoing.on("information", () => {
      if (++interimCount <= maxInterimAnswers) return;
      outgoing.destroy(new Error(`more than ${maxInterimAnswers} interim answers (1xx) came`));
    });
    outgoing.on("response", (response) => {
      // An answer that breaks off between here and its first reader is found by that reader.
      response.on("error", () => {});
      resolve(response);
    });
    outgoing.end(bytes);
  });
}

function basic({ password, username }: URL): string {
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${new TextEncoder().encode(text).toBase64()}`;
}

function answerOf(
  response: IncomingMessage,
  method: string,
  explain: (thrown: unknown) => unknown,
): HttpAnswer {
  const headers = { ...response.headers };
  const status = response.statusCode!;
  const isEmpty = method === "HEAD" || status === 204 || status === 304 ||
    headers["content-length"] === "0";
  const encoding = headers["content-encoding"]?.trim().toLowerCase();
  let body: Readable = response;
  const decompressed = isEmpty ? undefined : decompress(response, encoding);
  if (decompressed !== undefined) {
    body = decompressed;
    delete headers["content-encoding"];
    delete headers["content-length"];
  }
  return {
    status,
    headers,
    body: explained(body, explain),
    close: () => void response.destroy(),
  };
}

async function* explained(
  body: AsyncIterable<Uint8Array>,
  explain: (thrown: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (thrown) {
    throw explain(thrown);
  }
}
