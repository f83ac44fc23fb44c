import assert from "node:assert/strict";
import { readQuery } from "../../../src/http/query.ts";

function read(query: string): unknown {
  return readQuery(new Request(`http://a/jobs${query}`));
}

Deno.test("readQuery reads each parameter as a text, and an empty one as undefined", () => {
  assert.deepEqual(read(""), {});
  assert.deepEqual(read("?"), {});
  assert.deepEqual(read("?q=a+b%26c&limit=&status"), {
    q: "a b&c",
    limit: undefined,
    status: undefined,
  });
  assert.deepEqual(Object.entries(read("?__proto__=x") as object), [["__proto__", "x"]]);
});

Deno.test("readQuery refuses what is not UTF-8, and reads the character that stands for it", () => {
  assert.throws(() => read("?status=PENDING&q=caf%E9"), {
    code: "invalid_argument",
    message: "Cannot read the query: q is not UTF-8",
    details: [{ path: "q", message: "is not UTF-8" }],
  });
  assert.deepEqual(read("?q=%EF%BF%BD"), { q: "\ufffd" });
  assert.deepEqual(read("?q=100%"), { q: "100%" });
});

Deno.test("readQuery refuses repeated parameters, and bounds what it says of them", () => {
  assert.throws(() => read("?q=a&status=b&q=c&q="), {
    code: "invalid_argument",
    message: "Cannot read the query: q is given 3 times; once is allowed",
    details: [{ path: "q", message: "is given 3 times; once is allowed" }],
  });
  const names = Array.from({ length: 500 }, (_, index) => "x".repeat(100) + index);
  assert.throws(
    () => read(`?${[...names, ...names].join("&")}`),
    ({ message, details }) => message.length < 1000 && details.length === 100,
  );
});
