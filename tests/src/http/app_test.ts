import assert from "node:assert/strict";
import fc from "fast-check";
import { ValetError } from "../../../src/errors.ts";
import { idleStatus, makeApp } from "../../testing/make_app.ts";
import { testNowMs } from "../../testing/make_job.ts";

const unknownId = "0189dcd5-5311-7d40-8db0-9496a2eef37b";
const paths: Readonly<Record<string, string>> = {
  "/jobs": "GET, POST, HEAD, OPTIONS",
  [`/jobs/${unknownId}`]: "GET, PATCH, DELETE, HEAD, OPTIONS",
  [`/jobs/${unknownId}/results`]: "GET, DELETE, HEAD, OPTIONS",
  "/tasks": "GET, HEAD, OPTIONS",
  "/status": "GET, HEAD, OPTIONS",
  "/health/live": "GET, HEAD, OPTIONS",
  "/health/ready": "GET, HEAD, OPTIONS",
};
const mounts = ["", "/api"];

Deno.test("createApp answers a wrong method on every known path with 405 and Allow", async () => {
  const { request } = await makeApp();
  for (const mount of mounts) {
    for (const [path, allow] of Object.entries(paths)) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "__proto__"]) {
        if (allow.includes(method)) continue;
        const { status, headers, body } = await request(method, mount + path);
        assert.equal(status, 405, `${method} ${path}`);
        assert.equal(headers.get("allow"), allow);
        assert.deepEqual(body, {
          error: true,
          code: 405,
          reason: "method_not_allowed",
          message: `Cannot ${method} ${mount}${path}: ${allow} are allowed`,
        });
      }
    }
  }
});

Deno.test("createApp answers an unknown path with 404, in any method", async () => {
  const { request } = await makeApp();
  const unknown = ["/", "/api", "/api/", "/jobs/", "/Jobs", "/api/api/jobs", "/jobs/a/b", "/%zz"];
  for (const path of [...unknown, `/${"a".repeat(10_000)}`]) {
    for (const method of ["GET", "POST", "OPTIONS", "DELETE"]) {
      const { status, body, text } = await request(method, path);
      assert.equal(status, 404, path);
      assert.deepEqual(Object.keys(body), ["error", "code", "reason", "message"]);
      assert.ok(text.length < 400);
    }
  }
});

Deno.test("createApp answers HEAD as GET, without the body", async () => {
  const { request, submit } = await makeApp();
  const id = await submit({ name: "\u20ac" });
  for (const path of ["/jobs", `/jobs/${id}`, "/tasks", "/status", "/health/ready", "/api/jobs"]) {
    const { status, headers, text } = await request("HEAD", path);
    assert.equal(status, 200, path);
    assert.equal(headers.get("content-type"), "application/json");
    assert.equal(text, "");
    const length = new TextEncoder().encode((await request("GET", path)).text).length;
    assert.equal(headers.get("content-length"), String(length));
  }
  assert.equal((await request("HEAD", `/jobs/${unknownId}`)).status, 404);
  assert.equal((await request("HEAD", "/nowhere")).status, 404);
});

Deno.test("createApp answers OPTIONS on a known path with 204 and Allow", async () => {
  const { request } = await makeApp();
  for (const [path, allow] of Object.entries(paths)) {
    const { status, headers, text } = await request("OPTIONS", path);
    assert.equal(status, 204);
    assert.equal(headers.get("allow"), allow);
    assert.equal(headers.get("content-type"), null);
    assert.equal(text, "");
  }
});

Deno.test("createApp lets the pages of the configured origins in", async () => {
  const anyApp = await makeApp({ corsOrigins: ["*"] });
  const oneApp = await makeApp({ corsOrigins: ["https://a.example", "https://b.example"] });
  const noApp = await makeApp({ corsOrigins: [] });
  const preflight = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-request-id",
  };
  for (
    const [app, origin, allowed] of [
      [anyApp, "https://c.example", "*"],
      [oneApp, "https://b.example", "https://b.example"],
      [oneApp, "https://c.example", null],
      [noApp, "https://a.example", null],
    ] as const
  ) {
    for (const [method, path] of [["GET", "/jobs"], ["GET", "/nowhere"], ["PUT", "/jobs"]]) {
      const { headers } = await app.request(method!, path!, undefined, { origin });
      assert.equal(headers.get("access-control-allow-origin"), allowed);
      assert.equal(
        headers.get("access-control-expose-headers"),
        allowed && "Location, Retry-After, X-Request-Id",
      );
      assert.equal(headers.get("vary"), app === oneApp ? "Origin" : null);
    }
    const { status, headers } = await app.request("OPTIONS", "/jobs", undefined, {
      origin,
      ...preflight,
    });
    assert.equal(status, 204);
    assert.equal(headers.get("access-control-allow-origin"), allowed);
    assert.equal(
      headers.get("access-control-allow-methods"),
      allowed && "GET, POST, HEAD, OPTIONS",
    );
    assert.equal(
      headers.get("access-control-allow-headers"),
      allowed && "content-type,x-request-id",
    );
    assert.equal(headers.get("access-control-max-age"), allowed && "600");
  }
});

Deno.test("createApp takes the request id of a client, or makes one, and logs and answers it", async () => {
  const { request, records } = await makeApp();
  for (const id of ["a", "A-z_0.9", "x".repeat(128)]) {
    const { headers } = await request("GET", "/tasks", undefined, { "x-request-id": id });
    assert.equal(headers.get("x-request-id"), id);
    assert.equal(records.at(-1)?.requestId, id);
  }
  const made: (string | null)[] = [];
  for (const id of ["", "x".repeat(129), "a b", "a,b", '"', "\u00e9"]) {
    const { headers } = await request("POST", "/jobs", "{", { "x-request-id": id });
    assert.match(headers.get("x-request-id") ?? "", /^[0-9a-f]{8}-\d+$/);
    assert.equal(records.at(-1)?.requestId, headers.get("x-request-id"));
    made.push(headers.get("x-request-id"));
  }
  assert.equal(new Set(made).size, made.length);
});

Deno.test("createApp logs each request once, whatever its end", async () => {
  const { request, records } = await makeApp({
    service: { get: () => Promise.reject(new Error("oops")) },
  });
  const requests = [
    ["GET", "/health/live", 200],
    ["HEAD", "/api/health/live", 200],
    ["GET", "/tasks", 400],
    ["POST", "/jobs", 400],
    ["PUT", "/jobs", 405],
    ["OPTIONS", "/jobs", 204],
    ["GET", "/nowhere", 404],
    ["GET", `/jobs/${unknownId}`, 500],
  ] as const;
  for (const [method, path, status] of requests) {
    await request(method, status === 500 ? path : `${path}?secret=1`);
  }
  assert.deepEqual(
    records.map(({ method, path, status, durationMs }) => [method, path, status, durationMs]),
    requests.map((expected) => [...expected, 0]),
  );
});

Deno.test("createApp logs no negative duration when the clock is set back", async () => {
  let nowMs = testNowMs;
  const { request, records } = await makeApp({ now: () => nowMs -= 1000 });
  await request("GET", "/tasks");
  assert.deepEqual(
    records.map(({ timeMs, durationMs }) => [timeMs, durationMs]),
    [[testNowMs - 2000, 0]],
  );
});

Deno.test("createApp shows nothing of an error that is not its own", async () => {
  const thrown = [new Error("secret"), new ValetError("internal", "secret"), "secret", null];
  for (const error of thrown) {
    const { request } = await makeApp({ service: { list: () => Promise.reject(error) } });
    const { status, text } = await request("GET", "/jobs");
    assert.equal(status, 500);
    assert.ok(!text.includes("secret"), text);
  }
});

Deno.test("createApp answers any JSON as a body with 2xx or 4xx, never with 5xx", async () => {
  const { request } = await makeApp({ queueCapacity: 100_000 });
  const field = fc.constantFrom("name", "task_name", "description", "task_params", "metadata");
  const body = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.oneof(field, fc.constantFrom("timeout", "run_at")), fc.jsonValue()),
    fc.record({ name: fc.string(), task_name: fc.constant("dummytask"), timeout: fc.jsonValue() }),
  );
  await fc.assert(fc.asyncProperty(body, async (body) => {
    for (const [method, path] of [["POST", "/jobs"], ["PATCH", `/jobs/${unknownId}`]] as const) {
      const { status, text } = await request(method, path, JSON.stringify(body));
      assert.ok(status >= 200 && status < 500, text);
    }
  }));
});

Deno.test("createApp answers any bytes as a body with 2xx or 4xx, never with 5xx", async () => {
  const { fetch } = await makeApp();
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
    const body = new Uint8Array(bytes);
    const response = await fetch(new Request("http://localhost/jobs", { method: "POST", body }));
    assert.equal(response.status, 400, await response.text());
  }));
});

Deno.test("createApp answers any path and query with 2xx or 4xx, never with 5xx", async () => {
  const { request } = await makeApp({ status: idleStatus });
  const segment = fc.oneof(fc.webSegment(), fc.constantFrom("jobs", "api", "results", unknownId));
  await fc.assert(fc.asyncProperty(
    fc.array(segment, { maxLength: 4 }),
    fc.webQueryParameters(),
    fc.constantFrom("status", "limit", "cursor", "q", "task_name"),
    async (segments, text, name) => {
      const { status } = await request("GET", `/${segments.join("/")}?${name}=${text}`);
      assert.ok(status >= 200 && status < 500);
    },
  ));
});
