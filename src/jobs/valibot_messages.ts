// What Valibot says where a schema of params has no message of its own: with the value seen and what is
// allowed, as all errors about a request do. Imported by src/jobs/request.ts for its effect.

import * as v from "valibot";
import { seen } from "./request_check.ts";

v.setGlobalMessage(({ expected, input, received, type }) => {
  if (type === "strict_object" && expected === "never") return "is not a known param";
  if (input === undefined) return "is missing";
  if (expected === null) {
    return `is ${seen(input)}, which is ${type === "check" ? "not allowed" : `no ${type}`}`;
  }
  const what = /length|bytes/.test(type) ? `has the length ${received}` : `is ${seen(input)}`;
  return `${what}; ${expected.replace(/^\((.*)\)$/, "$1").replaceAll(" | ", " or ")} is allowed`;
});
