import assert from "node:assert/strict";
import { type ErrorCode, ValetError } from "../../../src/errors.ts";
import { answerOfError, errorAnswer } from "../../../src/http/error_response.ts";

const retry = { "retry-after": "1" };
const close = { "connection": "close" };
const answers: Readonly<Record<ErrorCode, readonly [number, string, Record<string, string>?]>> = {
  invalid_argument: [400, "invalid"],
  invalid_config: [500, "internal"],
  forbidden: [403, "forbidden"],
  not_found: [404, "not_found"],
  not_finished: [404, "not_finished"],
  method_not_allowed: [405, "method_not_allowed"],
  timeout: [408, "timeout", close],
  already_exists: [409, "conflict"],
  failed_precondition: [409, "conflict"],
  too_large: [413, "too_large", close],
  unsupported: [415, "unsupported", close],
  queue_full: [503, "queue_full", retry],
  unavailable: [503, "unavailable", retry],
  overloaded: [503, "overloaded", retry],
  internal: [500, "internal"],
};

Deno.test("answerOfError has an answer for every code, and shows messages that are for clients", () => {
  for (const [code, [status, reason, headers = {}]] of Object.entries(answers)) {
    const cause = new Error("secret");
    const answer = answerOfError(new ValetError(code as ErrorCode, "the message", { cause }));
    const body = JSON.parse(answer.json!);
    assert.equal(answer.status, status, code);
    assert.deepEqual(Object.keys(body), ["error", "code", "reason", "message"]);
    assert.equal(body.error, true);
    assert.equal(body.code, status);
    assert.equal(body.reason, reason);
    const isShown = status !== 500;
    assert.equal(body.message === "the message", isShown, code);
    assert.ok(!answer.json!.includes("secret"));
    assert.deepEqual(answer.headers, headers);
  }
});

Deno.test("answerOfError shows fields and details, but those of an internal error", () => {
  const shown = {
    fields: { status: "PENDING" },
    details: [{ path: "name", message: "is missing" }],
  };
  const { json } = answerOfError(new ValetError("invalid_argument", "the message", shown));
  assert.deepEqual(JSON.parse(json!), {
    error: true,
    code: 400,
    reason: "invalid",
    message: "the message",
    status: "PENDING",
    details: shown.details,
  });
  const internal = answerOfError(new ValetError("internal", "the message", shown));
  assert.deepEqual(Object.keys(JSON.parse(internal.json!)), ["error", "code", "reason", "message"]);
});

Deno.test("answerOfError shows nothing of what is not a ValetError", () => {
  const secretError = Object.assign(new Error("secret"), {
    code: "not_found",
    details: ["secret"],
  });
  for (const thrown of [secretError, "secret", { message: "secret" }, null, undefined, 7]) {
    const { status, json } = answerOfError(thrown);
    assert.equal(status, 500);
    assert.ok(!json!.includes("secret"));
  }
});

Deno.test("errorAnswer has the one error shape", () => {
  const headers = { allow: "GET" };
  assert.deepEqual(errorAnswer("queue_full", "no room", { headers }), {
    status: 503,
    json: '{"error":true,"code":503,"reason":"queue_full","message":"no room"}',
    headers: { ...retry, ...headers },
  });
});
