// Sends one HTTP request and returns the answer: a webhook, a health check, a call of some API at a
// given time. Fails unless the status is the expected one.

import { defineTask, type TaskDefinition } from "../../src/tasks/task.ts";
import { charsetOf } from "./charset.ts";
import type { HttpAnswer } from "./http_client.ts";
import { type RequestParams, requestParams } from "./http_request_params.ts";
import { showUrl } from "./http_url.ts";

/** How much of an unexpected answer's body stands in the failure reason, in bytes. */
const shownBodyBytes = 200;

/** What the task returns. */
interface Answer {
  readonly status: number;
  /** As Node has them: `set-cookie` is a list, because its values cannot be joined. */
  readonly headers: HttpAnswer["headers"];
  readonly body: string;
  /** The body is no text, and stands there as base64. */
  readonly base64?: true;
  /** The body was longer than `max_body_bytes` or than a result may be. */
  readonly truncated?: true;
}

const httpRequest: TaskDefinition = defineTask({
  params: requestParams,
  timeout: { minutes: 1 },
  async run(request, context): Promise<Answer> {
    // Imported here, so that a worker pays for it only when it sends a request.
    const { sendRequest } = await import("./http_client.ts");
    const answer = await sendRequest(request, context);
    const { headers, status } = answer;
    if (!isExpected(status, request)) {
      const { body, base64 } = await readBody(answer, shownBodyBytes);
      throw new Error(
        `${request.method} ${showUrl(request.url)} answered ${status}, expected ` +
          showExpected(request) +
          (body === "" || base64 ? "" : `; the body begins ${JSON.stringify(body)}`),
      );
    }
    const { maxResultBytes } = context;
    const read = await readBody(answer, Math.min(request.max_body_bytes, maxResultBytes));
    const whole = { status, headers, ...read };
    const size = jsonBytes(whole).length;
    if (size <= maxResultBytes) return whole;
    const flags: Answer = { ...whole, body: "", truncated: true };
    const body = cutToJson(read.body, maxResultBytes - jsonBytes(flags).length);
    // Base64 stands in groups of four.
    return { ...flags, body: read.base64 ? body.slice(0, body.length & ~3) : body };
  },
});

/** The task `http_request`. */
export default httpRequest;

function isExpected(status: number, { expected_status, redirect }: RequestParams): boolean {
  if (expected_status !== undefined) return [expected_status].flat().includes(status);
  return status >= 200 && status < (redirect === "manual" ? 400 : 300);
}

function showExpected({ expected_status, redirect }: RequestParams): string {
  if (expected_status !== undefined) return [expected_status].flat().join(" or ");
  return redirect === "manual" ? "200 to 399" : "200 to 299";
}

/** At most `maxBytes` of the body; the rest is not fetched. */
async function readBody(
  { body, headers }: HttpAnswer,
  maxBytes: number,
): Promise<Pick<Answer, "body" | "base64" | "truncated">> {
  // One buffer: pieces of a byte each would take a thousand times as much.
  let buffer = new Uint8Array();
  let length = 0;
  let isCut = false;
  // Leaving the loop early ends the connection.
  for await (const piece of body) {
    const part = piece.subarray(0, maxBytes - length);
    const start = length;
    length += part.length;
    if (length > buffer.length) {
      const larger = new Uint8Array(Math.min(2 * length, maxBytes));
      larger.set(buffer);
      buffer = larger;
    }
    buffer.set(part, start);
    isCut = part.length < piece.length;
    if (isCut) break;
  }
  const bytes = buffer.subarray(0, length);
  const flags = isCut ? { truncated: true } as const : {};
  try {
    const decoder = new TextDecoder(charsetOf(bytes, headers["content-type"]), { fatal: true });
    // Half a character at the place of the cut is left out.
    return { body: decoder.decode(bytes, { stream: isCut }), ...flags };
  } catch {
    return { body: bytes.toBase64(), base64: true, ...flags };
  }
}

function jsonBytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** The longest beginning of the text that takes no more than so many bytes as JSON, without its quotes. */
function cutToJson(text: string, maxBytes: number): string {
  const bytes = jsonBytes(text).subarray(0, 1 + Math.max(0, maxBytes));
  const cut = new TextDecoder().decode(bytes, { stream: true });
  // The end may be a part of an escape such as \u0000: without it the text is whole again.
  for (let end = cut.length;; end--) {
    try {
      return JSON.parse(`${cut.slice(0, end)}"`);
    } catch {
      // One character less.
    }
  }
}
