// Query strings: reads one, and refuses one where a route has no parameters.

import * as v from "valibot";
import { checkRequest, invalidRequest, type JsonObject } from "../jobs/request_check.ts";
import { valuePath } from "../value_path.ts";
import type { Route } from "./answer.ts";

/** Repeated parameters that an error names. */
const maxNamed = 100;
const noParameters = { schema: v.strictObject({}), noun: "parameter", otherNames: {} } as const;

/** The parameters of a request, each a text; undefined: it is empty. Throws ValetError where one is repeated. */
export function readQuery({ url }: Request): JsonObject {
  const { search, searchParams } = new URL(url);
  const pairs = [...searchParams];
  // What is not UTF-8 is read as U+FFFD, and so is a percent-encoded U+FFFD.
  const isChanged = ([, text]: readonly string[]) => text!.includes("\ufffd");
  if (pairs.some(isChanged) && !/%EF%BF%BD/i.test(search)) {
    const wrong = pairs.filter(isChanged).slice(0, maxNamed).map(([name]) => {
      return { path: valuePath([name]), message: "is not UTF-8" };
    });
    throw invalidRequest("read the query", wrong);
  }
  const texts = new Map(pairs);
  if (texts.size < pairs.length) {
    const repeated = [...Map.groupBy(pairs, ([name]) => name)].filter(([, { length }]) =>
      length > 1
    );
    const wrong = repeated.slice(0, maxNamed).map(([name, { length }]) => {
      return { path: valuePath([name]), message: `is given ${length} times; once is allowed` };
    });
    throw invalidRequest("read the query", wrong);
  }
  return Object.fromEntries(pairs.map(([name, text]) => [name, text || undefined]));
}

/** The handler of a route without parameters. It refuses every parameter, since its client meant something by it. */
export function withoutQuery(handle: Route["handle"]): Route["handle"] {
  return (context, mount, requestId) => {
    const { raw } = context.req;
    if (raw.url.includes("?")) {
      const { wrong } = checkRequest(noParameters, readQuery(raw));
      if (wrong.length > 0) throw invalidRequest("read the query", wrong);
    }
    return handle(context, mount, requestId);
  };
}
