// The listener of Deno.serve. It sets no bound to connections, heads, and idle or unread ones, and answers
// doubtful framing by itself with an empty 400: it is for use behind a proxy that sees to all that.

import { getLogger } from "../log/log.ts";
import { webBody } from "./body_source.ts";
import type { AppFetch, HttpServer, ListenerOptions } from "./http_server.ts";
import { readTarget } from "./request_head.ts";
import { dropBodyAfter } from "./unread_body.ts";

/** Starts Deno.serve. */
export function listenWithDeno(options: ListenerOptions, fetch: AppFetch): Promise<HttpServer> {
  const { hostname, port } = options;
  const server = Deno.serve(
    { hostname, port, onListen() {}, onError },
    (request) => answer(request, fetch),
  );
  const failure = new AbortController();
  server.finished.catch((error) => failure.abort(error));
  return Promise.resolve({
    hostname: server.addr.hostname,
    port: server.addr.port,
    failed: failure.signal,
    close: () => server.shutdown(),
    // It cannot: to abort the server after its shutdown throws where nobody can catch it.
    abort() {},
  });
}

async function answer(request: Request, fetch: AppFetch): Promise<Response> {
  const { headers, method, url } = request;
  const host = headers.get("host");
  const contentLength = headers.get("content-length");
  const transferEncoding = headers.get("transfer-encoding");
  const target = readTarget({
    method,
    // Glued together from Host and request line: to be read only where Host is right.
    target: url,
    // Which version of HTTP it is cannot be seen, and 1.0 and 2 may have none.
    hosts: host === null ? undefined : [host],
    contentLength,
    transferEncoding,
  });
  const body = webBody(request);
  const response = "path" in target
    ? await fetch(withPath(request, target.path), { body })
    : await fetch(new Request("http://localhost/", { headers }), { body, ...target });
  const hasBody = Number(contentLength) > 0 || transferEncoding !== null;
  if (body.isComplete || !hasBody) return response;
  // All that ends the connection here is an answer that breaks off once nobody reads the body. Where the client
  // sends nothing more, a read is under way and nothing does.
  return await dropBodyAfter(response, body, response.headers, () => {
    request.body?.cancel().catch(() => {}); // the client may have gone
    throw breakOff;
  });
}

const breakOff = new Error("the request has not ended");

/** Of an answer that breaks off; the client sees only that. */
function onError(error: unknown): Response {
  if (error !== breakOff) getLogger("http").error("an answer broke off", { error });
  return new Response(null, { status: 500 });
}

/** The request, with a URL that has a path: that of `GET http://host?query` has none. */
function withPath(request: Request, path: string): Request {
  const { headers, method, url } = request;
  return url.endsWith(path) ? request : new Request(`http://localhost${path}`, { headers, method });
}
