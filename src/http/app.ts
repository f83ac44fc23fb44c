// The HTTP API as one Hono app: every route, bare and under /api, and what all answers have in common.
// Called by src/node/node.ts, which serves it. The rules of jobs are in src/jobs/service.ts, not here.

import { type Context, Hono } from "hono";
import type { AccessRecord } from "./access_log.ts";
import type { Clock } from "../clock.ts";
import type { JobService } from "../jobs/service.ts";
import { getLogger } from "../log/log.ts";
import type { MaybePromise } from "../maybe_promise.ts";
import type { StatusReport } from "../node/status.ts";
import type { ParamsCheck } from "../jobs/params_check.ts";
import type { TaskDescription } from "../tasks/description.ts";
import type { Answer, Route } from "./answer.ts";
import { answerOfError, errorAnswer } from "./error_response.ts";
import { problemOf } from "./body_source.ts";
import { createCors } from "./cors.ts";
import { createOriginRules, type OriginRuleOptions } from "./origin_rules.ts";
import { jobsRoutes } from "./jobs_routes.ts";
import { createBodyReader } from "./request_body.ts";
import { withoutQuery } from "./query.ts";
import { createRequestIds } from "./request_id.ts";
import { statusRoutes } from "./status_routes.ts";
import { tasksRoutes } from "./tasks_routes.ts";

/** What the app works with. */
export interface AppOptions extends OriginRuleOptions {
  readonly service: JobService;
  readonly tasks: ReadonlyMap<string, TaskDescription>;
  readonly paramsCheck: ParamsCheck;
  readonly status: () => Promise<StatusReport>;
  /** The clock of the machine, as in every other line of the log. */
  readonly clock: Clock;
  /** The unit of `timeout` in requests and answers. */
  readonly timeoutUnit: "second" | "millisecond";
  readonly maxBodyBytes: number;
  /** How long a body may take to arrive. */
  readonly bodyTimeoutMs: number;
  /** Called once for each request, when its answer is known. */
  readonly logAccess: (record: AccessRecord) => void;
}

const mounts = ["", "/api"];
const maxShownPathLength = 200;
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/**
 * Makes the app. Its `fetch` never throws and never rejects.
 *
 * Routes hand back plain answers, and one function makes the response, the log line and the request id of
 * each: Hono calls a lone handler at once, where a chain of middleware would cost more than the routes do.
 */
export function createApp(options: AppOptions): Hono {
  const { service, tasks, paramsCheck, clock, logAccess } = options;
  const unitMs = options.timeoutUnit === "second" ? 1000 : 1;
  const limits = { maxBytes: options.maxBodyBytes, timeoutMs: options.bodyTimeoutMs };
  const routes: readonly Route[] = [
    ...jobsRoutes({ service, unitMs, useBody: createBodyReader(limits) }),
    ...tasksRoutes(tasks, paramsCheck),
    ...statusRoutes(options.status),
  ];
  const requestIdOf = createRequestIds();
  const checkOrigin = createOriginRules(options);
  const cors = createCors(options.corsOrigins);
  const log = getLogger("http");
  const app = new Hono();

  function respond(
    context: Context,
    handle: Route["handle"],
    mount: string,
  ): MaybePromise<Response> {
    const startMs = clock.now();
    const { path, raw } = context.req;
    const { method } = raw;
    const corsHeaders = cors(raw);
    const requestId = requestIdOf(raw.headers);

    function finish(answer: Answer): Response {
      const timeMs = clock.now();
      // A clock that was set back must not make it negative.
      const durationMs = Math.max(0, timeMs - startMs);
      logAccess({ method, path, status: answer.status, timeMs, durationMs, requestId });
      return makeResponse(method === "HEAD" ? withLength(answer) : answer, requestId, corsHeaders);
    }

    function fail(error: unknown): Response {
      const answer = answerOfError(error);
      if (answer.status === 500) {
        log.error("a request failed", { method, path, request_id: requestId, error });
      }
      return finish(answer);
    }

    let answer: MaybePromise<Answer>;
    try {
      const problem = problemOf(context);
      if (problem !== undefined) return finish(errorAnswer("invalid_argument", problem));
      checkOrigin(raw);
      answer = handle(context, mount, requestId);
    } catch (error) {
      return fail(error);
    }
    return answer instanceof Promise ? answer.then(finish, fail) : finish(answer);
  }

  for (const mount of mounts) {
    for (const { method, path, query, handle } of routes) {
      const checked = query === undefined ? withoutQuery(handle) : handle;
      app.on(method, mount + path, (context) => respond(context, checked, mount));
    }
  }

  /** The methods that the path has, from the routes themselves; none: an unknown path. */
  function allowedMethods(path: string): string[] {
    const allowed = methods.filter((method) => app.router.match(method, path)[0].length > 0);
    if (allowed.includes("GET")) allowed.push("HEAD");
    return allowed.length > 0 ? [...allowed, "OPTIONS"] : [];
  }

  function answerUnrouted({ req }: Context): Answer {
    const { method, path, raw } = req;
    const shownPath = path.slice(0, maxShownPathLength);
    const methods = allowedMethods(path);
    if (methods.length === 0) return errorAnswer("not_found", `Cannot find ${shownPath}`);
    const allow = methods.join(", ");
    if (method === "OPTIONS") {
      return { status: 204, json: null, headers: { allow, ...cors(raw, allow) } };
    }
    const message = `Cannot ${method} ${shownPath}: ${allow} are allowed`;
    return errorAnswer("method_not_allowed", message, { headers: { allow } });
  }

  app.notFound((context) => respond(context, answerUnrouted, ""));
  return app;
}

/** The answer to HEAD, whose body Hono drops: it tells the length that the body of GET has. */
function withLength(answer: Answer): Answer {
  const { json } = answer;
  if (json === null) return answer;
  const length = String(toBytes(json).length);
  return { ...answer, headers: { ...answer.headers, "content-length": length } };
}

function toBytes(json: NonNullable<Answer["json"]>): Uint8Array<ArrayBuffer> {
  return typeof json === "string" ? new TextEncoder().encode(json) : json;
}

/** A longer text goes in parts: whoever sends it sees whether its client reads. */
const partBytes = 64 * 1024;

/** The bytes of a text, a part at a time. */
function streamInParts(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes.subarray(sent, sent + partBytes));
      sent += partBytes;
      if (sent >= bytes.length) controller.close();
    },
  });
}

/** A browser must not take an answer for anything else than its type says. */
const noSniff = { "x-content-type-options": "nosniff" };
const jsonType = { headers: { "content-type": "application/json", ...noSniff } };

function makeResponse(
  { status, json, headers }: Answer,
  requestId: string,
  corsHeaders: Answer["headers"],
): Response {
  const isPlain = status === 200 && headers === undefined && corsHeaders === undefined;
  if (isPlain && json !== null && json.length <= partBytes) {
    // Deno makes this kind of response the fastest, with one more header set than with all given.
    const response = new Response(json, jsonType);
    response.headers.set("x-request-id", requestId);
    return response;
  }
  const all: Record<string, string> = {
    "x-request-id": requestId,
    ...noSniff,
    ...corsHeaders,
    ...headers,
  };
  if (json !== null) all["content-type"] = "application/json";
  if (json === null || json.length <= partBytes) {
    return new Response(json, { status, headers: all });
  }
  const bytes = toBytes(json);
  all["content-length"] = String(bytes.length);
  return new Response(streamInParts(bytes), { status, headers: all });
}
