// The params of the task http_request: what could not be sent is refused when the job is submitted.

import * as v from "valibot";
import { httpUrl, problemOfCredentials } from "./http_url.ts";

const status = v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(599));

const fields = v.strictObject({
  method: v.optional(
    v.picklist(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    "GET",
  ),
  url: httpUrl,
  headers: v.optional(v.record(v.string(), v.string()), {}),
  /** A text is sent as it is, anything else as JSON. */
  body: v.optional(
    v.union([v.string(), v.record(v.string(), v.unknown()), v.array(v.unknown())]),
  ),
  /** Default: any from 200 to 299, with `redirect: manual` a redirect too. */
  expected_status: v.optional(v.union([status, v.pipe(v.array(status), v.minLength(1))])),
  /** Whether a redirect is followed, is the answer, or is a failure. */
  redirect: v.optional(v.picklist(["follow", "manual", "error"]), "follow"),
  max_body_bytes: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(256 * 1024 * 1024)),
    64 * 1024,
  ),
});

type Fields = v.InferOutput<typeof fields>;

/** A request that can be sent: header names are in lower case, the body is a text. */
export interface RequestParams extends Omit<Fields, "body"> {
  readonly body: string | undefined;
}

/** The schema of the params. */
export const requestParams: v.GenericSchema<v.InferInput<typeof fields>, RequestParams> = v.pipe(
  fields,
  v.rawTransform(({ addIssue, dataset, NEVER }) => {
    const { value } = dataset;
    const problems = problemsOf(value);
    for (const { key, message, name } of problems) {
      const input: Record<string, unknown> = { ...value };
      const item = { type: "object", origin: "value", input, key, value: input[key] } as const;
      const inner = { type: "object", origin: "value", input: value.headers } as const;
      const path = name === undefined
        ? [item] as const
        : [item, { ...inner, key: name, value: value.headers[name] }] as const;
      addIssue({ message, path: [...path] as [typeof item] });
    }
    return problems.length > 0 ? NEVER : encode(value);
  }),
);

/** Of a value that stands in a message, in characters. */
const maxShownLength = 100;

interface Problem {
  readonly key: keyof Fields;
  /** Of a header. */
  readonly name?: string;
  readonly message: string;
}

function problemsOf({ body, headers, method, url }: Fields): Problem[] {
  const problems = problemsOfHeaders(headers);
  const credentials = problemOfCredentials(url);
  if (credentials !== undefined) problems.push({ key: "url", message: credentials });
  const names = new Map(Object.keys(headers).map((name) => [name.toLowerCase(), name]));
  const authorization = names.get("authorization");
  const { password, username } = new URL(url);
  if (authorization !== undefined && username + password !== "") {
    const message = "is given, and the URL holds a user name or a password too; give one of them";
    problems.push({ key: "headers", name: authorization, message });
  }
  if (body === undefined) return problems;
  if (method === "GET" || method === "HEAD") {
    problems.push({
      key: "body",
      message: `cannot go with a ${method} request; use another method`,
    });
  } else if (typeof body === "string" && !body.isWellFormed()) {
    problems.push({ key: "body", message: "has half of a surrogate pair, which is no UTF-8" });
  }
  const typeName = names.get("content-type");
  if (typeName === undefined) return problems;
  const type = headers[typeName]!.slice(0, maxShownLength);
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(type)?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    const message = `says ${charset}, and the body is sent as UTF-8`;
    problems.push({ key: "headers", name: typeName, message });
  }
  if (typeof body !== "string" && !/[/+]json\s*(?:;|$)/i.test(type)) {
    const message = `is sent as JSON, and the content-type says ${type}; give a text`;
    problems.push({ key: "body", message });
  }
  return problems;
}

/** They belong to the connection, or follow from the body. */
const ownHeaders = [
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

function problemsOfHeaders(headers: Fields["headers"]): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    const tell = (message: string) => problems.push({ key: "headers", name, message });
    // A list is a record, too, of the names 0, 1, ...
    if (!/^(?!\d+$)[\w!#$%&'*+.^`|~-]+$/.test(name)) tell("is no header name");
    else if (ownHeaders.includes(key)) tell("is a header that Valet sets itself");
    else if (seen.has(key)) tell("is given twice, in upper and lower case");
    else if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      tell("has a line break, a control character or a character beyond Latin-1");
    }
    seen.add(key);
  }
  return problems;
}

function encode({ body, headers, ...rest }: Fields): RequestParams {
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value.trim()]),
  );
  const isText = typeof body === "string";
  const type = isText ? "text/plain;charset=UTF-8" : "application/json";
  return {
    ...rest,
    headers: body === undefined ? lower : { "content-type": type, ...lower },
    body: body === undefined || isText ? body : JSON.stringify(body),
  };
}
