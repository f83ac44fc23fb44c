import assert from "node:assert/strict";
import { errorMessage, ValetError } from "../../src/errors.ts";

Deno.test("ValetError keeps its code, message, details and cause", () => {
  const cause = new Error("ECONNREFUSED");
  const details = [{ path: "name", message: "is missing" }];
  const error = new ValetError("unavailable", "Cannot store the job", { cause, details });
  assert.ok(error instanceof Error);
  assert.deepEqual([error.name, error.code, error.message], [
    "ValetError",
    "unavailable",
    "Cannot store the job",
  ]);
  assert.equal(error.cause, cause);
  assert.deepEqual(error.details, details);
});

Deno.test("ValetError has no details and no cause unless they are given", () => {
  const error = new ValetError("internal", "Cannot go on");
  assert.deepEqual(error.details, []);
  assert.equal("cause" in error, false);
});

const table: readonly [name: string, thrown: unknown, message: string][] = [
  ["an Error", new Error("it broke"), "it broke"],
  ["an Error without a message", new RangeError(), "RangeError"],
  ["a text", "no", "no"],
  ["undefined", undefined, "undefined"],
  ["null", null, "null"],
  ["a number", 0, "0"],
];
for (const [name, thrown, message] of table) {
  Deno.test(`errorMessage tells ${name}`, () => assert.equal(errorMessage(thrown), message));
}
