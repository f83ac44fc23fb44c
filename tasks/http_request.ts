// Sends one HTTP request and returns the answer: a webhook, a health check, a call of some API at a
// given time. Fails unless the status is the expected one.

import * as v from "valibot";
import { defineTask, type Task } from "../src/tasks/task.ts";
import { fetchUrl, showUrl } from "./fetch_url.ts";

const status = v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(599));

const params = v.strictObject({
  method: v.optional(
    v.picklist(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    "GET",
  ),
  url: v.pipe(
    v.string(),
    v.url("this is no URL"),
    v.regex(/^[Hh][Tt][Tt][Pp][Ss]?:\/\//, "only http:// and https:// URLs are allowed"),
  ),
  headers: v.optional(v.record(v.string(), v.string()), {}),
  /** A text is sent as it is, anything else as JSON. */
  body: v.optional(
    v.union([v.string(), v.record(v.string(), v.unknown()), v.array(v.unknown())]),
  ),
  /** Default: any from 200 to 299. Redirects are followed first. */
  expected_status: v.optional(v.union([status, v.pipe(v.array(status), v.minLength(1))])),
  max_body_bytes: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1024 * 1024)),
    64 * 1024,
  ),
});

/** How much of an unexpected answer's body stands in the failure reason, in bytes. */
const shownBodyBytes = 200;

/** What the task returns: `truncated` is there where the body was longer than `max_body_bytes`. */
interface Answer {
  readonly status: number;
  /** As Node has them: `set-cookie` is a list, because its values cannot be joined. */
  readonly headers: Record<string, string | string[]>;
  readonly body: string;
  readonly truncated?: true;
}

/** The task `http_request`. */
export const httpRequest: Task = defineTask({
  params,
  permissions: { net: true },
  async run(request, { signal }): Promise<Answer> {
    const { method, url, expected_status: expected, max_body_bytes: maxBodyBytes } = request;
    const headers = new Headers(request.headers);
    const response = await fetchUrl(url, {
      method,
      headers,
      signal,
      ...(request.body === undefined ? {} : { body: encodeBody(request.body, headers) }),
    });
    if (!isExpected(response, expected)) {
      const { text } = await readText(response, shownBodyBytes);
      throw new Error(
        `${method} ${showUrl(url)} answered ${response.status}, expected ${
          showExpected(expected)
        }` +
          (text === "" ? "" : `; the body begins ${JSON.stringify(text)}`),
      );
    }
    const { text, isTruncated } = await readText(response, maxBodyBytes);
    return {
      status: response.status,
      headers: readHeaders(response.headers),
      body: text,
      ...(isTruncated ? { truncated: true } : {}),
    };
  },
});

function encodeBody(body: unknown, headers: Headers): string {
  if (typeof body === "string") return body;
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  return JSON.stringify(body);
}

function readHeaders(headers: Headers): Answer["headers"] {
  const cookies = headers.getSetCookie();
  return {
    ...Object.fromEntries(headers),
    ...(cookies.length === 0 ? {} : { "set-cookie": cookies }),
  };
}

function isExpected(response: Response, expected: number | number[] | undefined): boolean {
  return expected === undefined ? response.ok : [expected].flat().includes(response.status);
}

function showExpected(expected: number | number[] | undefined): string {
  return expected === undefined ? "200 to 299" : [expected].flat().join(" or ");
}

/** At most `maxBytes` of the body as text; the rest is not fetched. */
async function readText(
  response: Response,
  maxBytes: number,
): Promise<{ text: string; isTruncated: boolean }> {
  const decoder = createDecoder(response);
  let text = "";
  let leftBytes = maxBytes;
  // Leaving the loop early cancels the body.
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk.subarray(0, leftBytes), { stream: true });
    leftBytes -= chunk.length;
    if (leftBytes < 0) return { text, isTruncated: true };
  }
  return { text: text + decoder.decode(), isTruncated: false };
}

function createDecoder(response: Response): TextDecoder {
  const charset = /charset="?([^\s";]+)/i.exec(response.headers.get("content-type") ?? "")?.[1];
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder(); // The server named a charset that nobody knows.
  }
}
