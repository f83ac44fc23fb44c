import assert from "node:assert/strict";
import { readTarget, type RequestHead } from "../../../src/http/request_head.ts";

/** A head that is right, and what a test changes of it. */
function makeHead(changes: Partial<RequestHead>): RequestHead {
  return {
    method: "GET",
    target: "/jobs",
    hosts: ["localhost"],
    contentLength: null,
    transferEncoding: null,
    ...changes,
  };
}

Deno.test("readTarget gives the path and query of the request line", () => {
  const cases: readonly (readonly [target: string, path: string])[] = [
    ["/", "/"],
    ["/jobs?limit=1", "/jobs?limit=1"],
    ["//x/jobs", "//x/jobs"],
    ["/jobs?x=/../", "/jobs?x=/../"],
    ["/...", "/..."],
    ["/.well-known/x", "/.well-known/x"],
    ["/%2e%2ex", "/%2e%2ex"],
    ["http://x/jobs", "/jobs"],
    ["HTTPS://x:1/jobs?a", "/jobs?a"],
    ["http://x", "/"],
    ["http://x?limit=1", "/?limit=1"],
    ["http://u@x/jobs", "/jobs"],
    ["*", "/*"],
  ];
  for (const [target, path] of cases) {
    assert.deepEqual(readTarget(makeHead({ target })), { path }, target);
  }
});

Deno.test("readTarget says why it refuses a head", () => {
  const cases: readonly (readonly [changes: Partial<RequestHead>, problem: string])[] = [
    [{ hosts: [] }, "it has no Host header"],
    [{ hosts: ["a", "a"] }, "it has 2 Host headers"],
    [{ hosts: [""] }, 'its Host header is ""; host or host:port is allowed'],
    [{ hosts: ["x/jobs?z="] }, 'its Host header is "x/jobs?z="; host or host:port is allowed'],
    [{ contentLength: "2, 2" }, 'its Content-Length is "2, 2"; a number of bytes is allowed'],
    [{ contentLength: "" }, 'its Content-Length is ""; a number of bytes is allowed'],
    [{ contentLength: "1e3" }, 'its Content-Length is "1e3"; a number of bytes is allowed'],
    [
      { contentLength: "1".repeat(16) },
      `its Content-Length is "${"1".repeat(16)}"; a number of bytes is allowed`,
    ],
    [
      { contentLength: "2", transferEncoding: "chunked" },
      "it has a Content-Length and a Transfer-Encoding",
    ],
    [{ transferEncoding: "gzip" }, 'its Transfer-Encoding is "gzip"; chunked is allowed'],
    [{ target: "jobs" }, 'GET "jobs" names no path of this server'],
    [{ target: "" }, 'GET "" names no path of this server'],
    [{ target: "ftp://x/jobs" }, 'GET "ftp://x/jobs" names no path of this server'],
    [{ target: "http:///jobs" }, 'GET "http:///jobs" names no path of this server'],
    [{ target: "/a#b" }, 'GET "/a#b" names no path of this server'],
    [{ target: "/a\\b" }, 'GET "/a\\\\b" names no path of this server'],
    [{ target: "/caf\u00e9" }, 'GET "/caf\u00e9" names no path of this server'],
    [{ method: "CONNECT", target: "a:80" }, 'CONNECT "a:80" names no path of this server'],
    [{ target: "/a/../b" }, '"/a/../b" has a "." or ".." in its path'],
    [{ target: "/./b" }, '"/./b" has a "." or ".." in its path'],
    [{ target: "/a/.." }, '"/a/.." has a "." or ".." in its path'],
    [{ target: "/a/%2E./b" }, '"/a/%2E./b" has a "." or ".." in its path'],
    [{ target: "http://x/a/%2e?b" }, '"http://x/a/%2e?b" has a "." or ".." in its path'],
  ];
  for (const [changes, problem] of cases) {
    const expected = { problem: `Cannot read the request: ${problem}` };
    assert.deepEqual(readTarget(makeHead(changes)), expected);
  }
});

Deno.test("readTarget shows no more than the start of what is wrong", () => {
  for (const changes of [{ target: "x".repeat(30_000) }, { hosts: ["/".repeat(30_000)] }]) {
    assert.ok(JSON.stringify(readTarget(makeHead(changes))).length < 300);
  }
});

Deno.test("readTarget takes a head without Host where that is allowed", () => {
  assert.deepEqual(readTarget(makeHead({ hosts: undefined })), { path: "/jobs" });
});
