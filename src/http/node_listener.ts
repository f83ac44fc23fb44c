// The listener of node:http: heads, idle connections, unfinished requests and unread answers are bounded, a
// connection has one request under way, and what is no HTTP is a 400 in our shape.

import { getRequestListener } from "@hono/node-server";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import { getLogger } from "../log/log.ts";
import { type BodySource, BrokenBodyError, type ListenerBindings } from "./body_source.ts";
import { errorAnswer } from "./error_response.ts";
import type { AppFetch, HttpServer, ListenerOptions } from "./http_server.ts";
import { readTarget, type Target } from "./request_head.ts";
import { dropBodyAfter } from "./unread_body.ts";

const maxHeadBytes = 32 * 1024;
const checkIntervalMs = 1_000;
/** Beyond the time of head and body: whoever reads the body answers first. */
const requestSlackMs = 5_000;
/** Half of the time that a request has to arrive which its client sent before it saw that the node stops. */
const lastRequestMs = 50;
/** Requests that a client may send ahead on a connection. */
const maxAhead = 32;
/** Of the long answers of all connections that are not read yet. */
const maxUnreadBytes = 256 * 1024 * 1024;
/** For a client to end its side of a connection, once the server has ended its own. */
const maxLingerMs = 1_000;

/** Between two warnings of the same. */
const warnIntervalMs = 60_000;
const malformed =
  "it is no valid HTTP/1.1: its request line, headers or chunks are malformed, or hold a " +
  "character that must be percent-encoded";

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** Answers the request. */
  readonly start: () => void;
}

/** A connection, and what is under way on it. */
interface Connection {
  /** Of the answer that is under way, if it is a long one: so much is held until it has been read. */
  answerBytes: number;
  /** The first is being answered, the others wait: answers that nobody reads must not pile up. */
  readonly exchanges: Exchange[];
  sentBytes: number;
  /** When the client was last seen to read, or had nothing to read. */
  sentAtMs: number;
  /** When the server ended its side. The client's side stays open: a client that still sends must see the answer. */
  endedAtMs: number;
}

/** Starts a server of node:http. */
export async function listenWithNode(
  options: ListenerOptions,
  fetch: AppFetch,
): Promise<HttpServer> {
  const { bodyTimeoutMs, headTimeoutMs, hostname, idleTimeoutMs, port, sendTimeoutMs } = options;
  const server = createServer({
    headersTimeout: headTimeoutMs,
    requestTimeout: headTimeoutMs + bodyTimeoutMs + requestSlackMs,
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: Math.min(checkIntervalMs, headTimeoutMs),
    maxHeaderSize: maxHeadBytes,
    // Ours says why.
    requireHostHeader: false,
    noDelay: true,
  });
  server.maxConnections = options.maxConnections;
  // A client may end its side after the request and still wait for the answer.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;

  const connections = new Map<Socket, Connection>();
  server.on("connection", (socket: Socket) => {
    connections.set(socket, {
      answerBytes: 0,
      exchanges: [],
      sentBytes: 0,
      sentAtMs: performance.now(),
      endedAtMs: Infinity,
    });
    socket.on("close", () => connections.delete(socket));
  });

  /** Ends the server's side of a connection, after these last bytes. What still comes is dropped. */
  function end(socket: Socket, bytes = ""): void {
    const connection = connections.get(socket);
    if (connection !== undefined) connection.endedAtMs = performance.now();
    socket.end(bytes);
    dropInput(socket);
  }

  const listener = getRequestListener(
    async (request, env) => {
      const { incoming } = env as { incoming: HeldIncoming };
      const response = await answer(request, incoming, fetch);
      if (response.headers.has("content-length")) holdAnswer(incoming.socket, response);
      return response;
    },
    { overrideGlobalObjects: false, autoCleanupIncoming: false, hostname: "localhost" },
  );
  /** Where answers that nobody reads take too much, whoever has read nothing for the longest time goes. */
  function holdAnswer(socket: Socket, { body, headers }: Response): void {
    const own = connections.get(socket);
    if (own === undefined || body === null) return;
    own.answerBytes = Number(headers.get("content-length"));
    let bytes = 0;
    for (const { answerBytes } of connections.values()) bytes += answerBytes;
    if (bytes <= maxUnreadBytes) return;
    const held = [...connections].filter(([other, { answerBytes }]) =>
      answerBytes > 0 && other !== socket
    ).sort(([, a], [, b]) => a.sentAtMs - b.sentAtMs);
    for (const [other, { answerBytes }] of held) {
      other.destroy();
      bytes -= answerBytes;
      if (bytes <= maxUnreadBytes) return;
    }
  }

  /** Answers the requests of a connection one after the other. */
  function take(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const connection = connections.get(incoming.socket);
    if (connection === undefined) return;
    const { exchanges } = connection;
    if (!server.listening) outgoing.shouldKeepAlive = false;
    const start = () => void listener(holdTarget(incoming), outgoing);
    exchanges.push({ incoming, outgoing, start });
    outgoing.on("close", () => {
      exchanges.shift();
      connection.answerBytes = 0;
      if (!server.listening) incoming.socket.end();
      exchanges[0]?.start();
    });
    if (exchanges.length === 1) start();
    else if (exchanges.length > maxAhead) incoming.socket.destroy();
  }
  server.on("request", take);
  server.on("checkExpectation", take);
  server.on("connect", ({ method, url }: IncomingMessage, socket: Socket) => {
    end(socket, refusal("invalid_argument", `${method} ${url} names no path of this server`));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const { exchanges = [] } = connections.get(socket) ?? {};
    // Of the request that cannot be read its head may have arrived, and its answer may be under way.
    const broken = exchanges.at(-1)?.incoming.complete === false ? exchanges.pop() : undefined;
    const refuse = () => {
      // The answer before may have been the last one of the connection.
      if (socket.writable) end(socket, refusalOf(error.code));
    };
    if (!socket.writable || broken?.outgoing.headersSent) socket.destroy();
    else if (exchanges.length === 0) refuse();
    else {
      dropInput(socket);
      // The requests before it get their answers first: a client takes answers in the order of its requests.
      exchanges.at(-1)!.outgoing.on("close", refuse);
    }
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: hostname, port }, resolve);
  });
  const failure = new AbortController();
  server.on("error", (error) => failure.abort(error));
  let warnedAtMs = -Infinity;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (connections.size >= options.maxConnections && nowMs - warnedAtMs > warnIntervalMs) {
      warnedAtMs = nowMs;
      getLogger("http").warn(
        "as many connections are open as server.max_connections allows: further ones are closed at once",
        { max_connections: options.maxConnections },
      );
    }
    for (const [socket, connection] of connections) {
      const isOver = nowMs - connection.endedAtMs > maxLingerMs;
      if (isOver || isStuck(socket, connection, nowMs - sendTimeoutMs)) socket.destroy();
    }
  }, Math.min(checkIntervalMs, sendTimeoutMs));

  const address = server.address() as AddressInfo;
  return {
    hostname: address.address,
    port: address.port,
    failed: failure.signal,
    close: () =>
      new Promise((resolve) => {
        const closeIdle = () => server.closeIdleConnections();
        // Twice: after a long turn the first timer comes before what has arrived in it.
        let end = setTimeout(() => end = setTimeout(closeIdle, lastRequestMs), lastRequestMs);
        // That of node:http would end idle connections at once, and with them requests that have just arrived.
        NetServer.prototype.close.call(server, () => {
          clearTimeout(end);
          clearInterval(timer);
          // Ends the checks of node:http.
          server.close();
          resolve();
        });
        for (const { exchanges } of connections.values()) {
          for (const { outgoing } of exchanges) outgoing.shouldKeepAlive = false;
        }
      }),
    abort() {
      for (const socket of connections.keys()) socket.destroy();
    },
  };
}

/** From now on what the client sends is no request. */
function dropInput(socket: Socket): void {
  socket.removeAllListeners("data");
  socket.resume();
}

/** Whether the client has an answer to read, and has read nothing of it since then. */
function isStuck(socket: Socket, connection: Connection, sinceMs: number): boolean {
  const outgoing = connection.exchanges[0]?.outgoing;
  const waits = outgoing !== undefined && (outgoing.writableEnded || socket.writableLength > 0);
  if (waits && connection.sentBytes === socket.bytesWritten) return connection.sentAtMs < sinceMs;
  connection.sentBytes = socket.bytesWritten;
  connection.sentAtMs = performance.now();
  return false;
}

type HeldIncoming = IncomingMessage & { target?: Target };

/** Reads the head. A wrong one gets a URL that can be read, and is answered with 400 by the app. */
function holdTarget(incoming: HeldIncoming): HeldIncoming {
  const { headers, httpVersionMajor, httpVersionMinor, method = "", rawHeaders, url = "" } =
    incoming;
  const hosts: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() === "host") hosts.push(rawHeaders[index + 1]!);
  }
  const isOld = httpVersionMajor === 1 && httpVersionMinor === 0;
  const target = readTarget({
    method,
    target: url,
    hosts: isOld && hosts.length === 0 ? undefined : hosts,
    contentLength: headers["content-length"] ?? null,
    transferEncoding: headers["transfer-encoding"] ?? null,
  });
  incoming.target = target;
  incoming.url = "path" in target ? target.path : "/";
  // For the URL, of which only the path counts: one with a Host such as [0::1] would be refused. Rules of Host
  // read the header as it came.
  headers.host = "localhost";
  return incoming;
}

async function answer(
  request: Request,
  incoming: HeldIncoming,
  fetch: AppFetch,
): Promise<Response> {
  const body = incomingBody(incoming);
  const { target } = incoming;
  const bindings: ListenerBindings = "problem" in target!
    ? { body, problem: target.problem }
    : { body };
  const response = await fetch(request, bindings);
  if (!body.isComplete) return await answerEarly(response, body);
  return response;
}

/** The client has the whole answer at once; the connection ends when it has sent what it will. */
async function answerEarly(response: Response, body: BodySource): Promise<Response> {
  const headers = new Headers(response.headers);
  headers.set("connection", "close");
  let known = response;
  // A long answer tells its length, and is not to be held here.
  if (response.body !== null && !headers.has("content-length")) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    headers.set("content-length", String(bytes.byteLength));
    known = new Response(bytes, response);
  }
  return await dropBodyAfter(known, body, headers, () => {});
}

/** The body of a request of node:http. */
function incomingBody(incoming: IncomingMessage): BodySource {
  return {
    get isComplete() {
      return incoming.complete;
    },
    read(onPart, timeoutMs) {
      return new Promise((resolve, reject) => {
        if (incoming.readableEnded) return resolve(true);
        if (incoming.destroyed) return reject(new BrokenBodyError("the connection broke off"));
        const onData = (part: Uint8Array) => {
          try {
            onPart(part);
          } catch (error) {
            stop(() => reject(error));
          }
        };
        const onEnd = () => stop(() => resolve(true));
        const onBreak = () => stop(() => reject(new BrokenBodyError("the connection broke off")));
        const timer = setTimeout(() => stop(() => resolve(false)), timeoutMs);
        function stop(settle: () => void): void {
          clearTimeout(timer);
          incoming.pause();
          incoming.off("data", onData);
          incoming.off("end", onEnd);
          incoming.off("error", onBreak);
          incoming.off("close", onBreak);
          settle();
        }
        incoming.on("data", onData);
        incoming.on("end", onEnd);
        incoming.on("error", onBreak);
        incoming.on("close", onBreak);
        incoming.resume();
      });
    },
  };
}

/** The answer to what the parser refuses, by the code of its error. */
function refusalOf(code: string | undefined): string {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return refusal("timeout", "it did not arrive in time");
    case "HPE_HEADER_OVERFLOW":
      return refusal("invalid_argument", `its head has more than ${maxHeadBytes} bytes`);
    default:
      return refusal("invalid_argument", malformed);
  }
}

/** An answer that the app has no part in, as it goes over the wire. */
function refusal(code: "invalid_argument" | "timeout", problem: string): string {
  const { json, status } = errorAnswer(code, `Cannot read the request: ${problem}`);
  const length = new TextEncoder().encode(json).length;
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n` +
    "X-Content-Type-Options: nosniff\r\n" +
    `Content-Length: ${length}\r\nConnection: close\r\n\r\n${json}`;
}
