// Checks the params of a job against the JSON Schema of its task, with Ajv. The schema is data of a task: it may
// be wrong in any way, and take any time, which src/jobs/params_check.ts bounds.

import { Ajv2020 } from "ajv/dist/2020.js";
import type { ErrorDetail } from "../errors.ts";
import type { JsonSchema } from "../tasks/description.ts";
import { paramsProblems } from "./params_messages.ts";

/** The problems of params, empty if there are none. */
export type ValidateParams = (params: object) => readonly ErrorDetail[];

/**
 * The formats that are checked. Libraries differ in what else they take or refuse: here passes what any of them takes,
 * since the task's own schema follows before the run. Other formats are not checked.
 */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  "date": (text) => /^\d{4}-\d\d-\d\d$/.test(text),
  "date-time": (text) => /^\d{4}-\d\d-\d\d[ Tt]?\d\d:\d\d/.test(text),
  "email": (text) => /[^@]@[^@]/.test(text),
  "ipv4": (text) => /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text),
  "ipv6": (text) => /^[\da-f:.]*:[\da-f:.]*(?:%.+)?$/i.test(text),
  "time": (text) => /^\d\d:\d\d/.test(text),
  "uri": (text) => URL.canParse(text),
  "uuid": (text) => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text),
};

/**
 * Makes the check of a schema. Nothing outside the schema is read, and params are not changed.
 *
 * @throws where the schema is none: an unknown type, a `$ref` to elsewhere, a pattern that is no regular expression.
 */
export function compileParamsSchema(schema: JsonSchema): ValidateParams {
  // Such a schema answers with a promise.
  if ("$async" in schema) throw new Error("$async is not allowed");
  const ajv = new Ajv2020({
    // Unknown keywords and formats are no error. The schema of schemas would cost 20 ms and 5 MB, and each keyword
    // looks at its own value anyway.
    ...{ strict: false, logger: false, meta: false, validateSchema: false },
    ...{ allErrors: true, verbose: true, messages: false },
    // A param may be called `constructor`.
    ownProperties: true,
    // Else a schema of 64 KiB could grow into gigabytes of code.
    inlineRefs: false,
    formats,
    code: { regExp },
  });
  const validate = ajv.compile<object>(schema);
  return (params) => validate(params) ? [] : paramsProblems(params, validate.errors ?? []);
}

/** As the libraries that patterns come from mean them: with the flag `u` only where that is needed. */
const regExp = Object.assign(
  (pattern: string) => new RegExp(pattern, /\\[pPu]\{/.test(pattern) ? "u" : ""),
  { code: "regExp" },
);
