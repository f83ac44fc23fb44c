// Judges the head of a request before anything depends on it: its Host, its framing and the target of its
// request line. Called by both listeners; a problem becomes a 400 in src/http/app.ts. Pure.

import { cutText } from "../cut_text.ts";
import { parseHost } from "./host_header.ts";

/** What a listener knows of the head of a request. */
export interface RequestHead {
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  /** The value of each Host header; undefined: it is allowed to have none. */
  readonly hosts: readonly string[] | undefined;
  readonly contentLength: string | null;
  readonly transferEncoding: string | null;
}

/** The path and query that a request asks for, or why nobody can tell. */
export type Target = { readonly path: string } | { readonly problem: string };

/** Programs that stand in between take these away, or do not: what is meant depends on who reads it. */
const dotSegment = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;
const absoluteForm = /^https?:\/\/[^/?#\s]+/i;
const maxShownLength = 100;

/** Reads the head. The path always comes from the request line, never from the Host. */
export function readTarget(head: RequestHead): Target {
  const problem = problemOfHost(head) ?? problemOfFraming(head);
  if (problem !== undefined) return { problem };
  const { method, target } = head;
  const path = target.startsWith("/") ? target : pathOfAbsoluteForm(target);
  if (path === undefined || method === "CONNECT" || /[\\#]|[^\x21-\x7e]/.test(path)) {
    return refuse(`${method} ${shown(target)} names no path of this server`);
  }
  const [beforeQuery] = path.split("?", 1);
  if (dotSegment.test(beforeQuery!)) {
    return refuse(`${shown(target)} has a "." or ".." in its path`);
  }
  return { path };
}

function pathOfAbsoluteForm(target: string): string | undefined {
  // The target of OPTIONS for the server as a whole.
  if (target === "*") return "/*";
  const authority = absoluteForm.exec(target)?.[0];
  if (authority === undefined) return undefined;
  const rest = target.slice(authority.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function problemOfHost({ hosts }: RequestHead): string | undefined {
  if (hosts === undefined) return undefined;
  const [host, ...more] = hosts;
  if (host === undefined) return problem("it has no Host header");
  if (more.length > 0) return problem(`it has ${hosts.length} Host headers`);
  if (parseHost(host) !== null) return undefined;
  return problem(`its Host header is ${shown(host)}; host or host:port is allowed`);
}

function problemOfFraming({ contentLength, transferEncoding }: RequestHead): string | undefined {
  if (transferEncoding === null) {
    if (contentLength === null || /^\d{1,15}$/.test(contentLength)) return undefined;
    return problem(`its Content-Length is ${shown(contentLength)}; a number of bytes is allowed`);
  }
  if (contentLength !== null) return problem("it has a Content-Length and a Transfer-Encoding");
  if (transferEncoding.toLowerCase() === "chunked") return undefined;
  return problem(`its Transfer-Encoding is ${shown(transferEncoding)}; chunked is allowed`);
}

function problem(why: string): string {
  return `Cannot read the request: ${why}`;
}

function refuse(why: string): Target {
  return { problem: problem(why) };
}

function shown(text: string): string {
  return JSON.stringify(cutText(text, maxShownLength));
}
