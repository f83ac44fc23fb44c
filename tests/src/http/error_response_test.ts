import assert from "node:assert/strict";
import { type ErrorCode, ValetError } from "../../../src/errors.ts";
import { answerOfError, errorAnswer } from "../../../src/http/error_response.ts";
import { BodyTimeoutError } from "../../../src/http/request_body.ts";

const statuses: Readonly<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  invalid_config: 500,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 409,
  queue_full: 503,
  too_large: 413,
  unavailable: 503,
  internal: 500,
};

Deno.test("answerOfError has a status for every code, and shows messages that are for clients", () => {
  for (const [code, status] of Object.entries(statuses)) {
    const cause = new Error("secret");
    const answer = answerOfError(new ValetError(code as ErrorCode, "the message", { cause }));
    const body = JSON.parse(answer.json!);
    assert.equal(answer.status, status, code);
    assert.deepEqual(Object.keys(body), ["error", "code", "message"]);
    assert.equal(body.error, true);
    assert.equal(body.code, status);
    const isShown = status !== 500;
    assert.equal(body.message === "the message", isShown, code);
    assert.ok(!answer.json!.includes("secret"));
    assert.equal(answer.headers?.["retry-after"], status === 503 ? "1" : undefined);
    assert.equal(answer.headers?.["connection"], status === 413 ? "close" : undefined);
  }
});

Deno.test("answerOfError shows details", () => {
  const details = [{ path: "name", message: "is missing" }];
  const { json } = answerOfError(new ValetError("invalid_argument", "the message", { details }));
  assert.deepEqual(JSON.parse(json!).details, details);
});

Deno.test("answerOfError answers a body that came too slowly with 408 and ends the connection", () => {
  const { status, headers } = answerOfError(new BodyTimeoutError("too slow"));
  assert.equal(status, 408);
  assert.deepEqual(headers, { connection: "close" });
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
  assert.deepEqual(errorAnswer(404, "gone"), {
    status: 404,
    json: '{"error":true,"code":404,"message":"gone"}',
  });
});
