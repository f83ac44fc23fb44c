// Which pages of other origins may call the API (CORS): the headers that tell their browsers so.
// Called by src/http/app.ts for every answer.

import type { Answer } from "./answer.ts";

type HeaderRecord = NonNullable<Answer["headers"]>;

const anyOrigin: HeaderRecord = { "access-control-allow-origin": "*" };
/** An answer that depends on the origin must say so, or a cache gives one origin's to another. */
const dependsOnOrigin: HeaderRecord = { "vary": "Origin" };
const exposedHeaders = "Location, Retry-After, X-Request-Id";
const preflightMaxAgeS = 600;

/** The headers for a request's answer that CORS needs. */
export type Cors = (request: Request, allowedMethods?: string) => HeaderRecord | undefined;

/**
 * Makes the function that gives the headers for an answer, or, with the methods that the path allows, for
 * the answer to a preflight.
 *
 * @param origins the origins whose pages may call the API; `*`: any; empty: no CORS at all.
 */
export function createCors(origins: readonly string[]): Cors {
  if (origins.length === 0) return () => undefined;
  const isAnyAllowed = origins.includes("*");
  const allowed = new Set(origins);
  return ({ headers }, allowedMethods) => {
    // Few requests have an origin. To ask with `has` makes Deno read all headers at once, which is cheaper.
    if (!headers.has("origin")) return isAnyAllowed ? undefined : dependsOnOrigin;
    const origin = headers.get("origin") as string;
    if (!isAnyAllowed && !allowed.has(origin)) return dependsOnOrigin;
    const answer: Record<string, string> = isAnyAllowed
      ? { ...anyOrigin }
      : { ...dependsOnOrigin, "access-control-allow-origin": origin };
    if (allowedMethods === undefined || !headers.has("access-control-request-method")) {
      answer["access-control-expose-headers"] = exposedHeaders;
      return answer;
    }
    answer["access-control-allow-methods"] = allowedMethods;
    const asked = headers.get("access-control-request-headers");
    if (asked !== null) answer["access-control-allow-headers"] = asked;
    answer["access-control-max-age"] = String(preflightMaxAgeS);
    return answer;
  };
}
