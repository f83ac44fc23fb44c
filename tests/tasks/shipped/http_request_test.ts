import assert from "node:assert/strict";
import type { TaskDefinition } from "../../../src/tasks/task.ts";
import httpRequest from "../../../tasks/shipped/http_request.ts";
import { runTask } from "../../testing/run_task.ts";
import { serve } from "../../testing/serve.ts";
import { serveBytes } from "../../testing/serve_bytes.ts";
import { within } from "../../testing/within.ts";

Deno.test("httpRequest returns status, headers and body", async () => {
  const handler = () => new Response("hello", { status: 201, headers: { "x-answer": "42" } });
  await serve(handler, async (url) => {
    const result = await runTask(httpRequest, { url });
    assert.equal(result.status, 201);
    assert.equal(result.headers["x-answer"], "42");
    assert.equal(result.body, "hello");
    assert.equal("truncated" in result, false);
  });
});

Deno.test("httpRequest returns every cookie that was set", async () => {
  const answerWith = (...cookies: string[]) => () => {
    const headers = new Headers();
    for (const cookie of cookies) headers.append("set-cookie", cookie);
    return new Response(null, { headers });
  };
  for (const cookies of [["a=1; Expires=Thu, 01 Jan 2037 00:00:00 GMT", "b=2"], ["a=1"]]) {
    await serve(answerWith(...cookies), async (url) => {
      assert.deepEqual((await runTask(httpRequest, { url })).headers["set-cookie"], cookies);
    });
  }
  await serve(answerWith(), async (url) => {
    assert.equal("set-cookie" in (await runTask(httpRequest, { url })).headers, false);
  });
});

Deno.test("httpRequest takes a scheme in upper case", async () => {
  await serve(() => new Response("hello"), async (url) => {
    const shouted = url.replace("http:", "HTTP:");
    assert.equal((await runTask(httpRequest, { url: shouted })).body, "hello");
  });
});

Deno.test("httpRequest sends method, headers and body", async () => {
  const handler = async (request: Request) =>
    Response.json({
      method: request.method,
      type: request.headers.get("content-type"),
      token: request.headers.get("x-token"),
      body: await request.text(),
    });
  await serve(handler, async (url) => {
    const echo = async (params: Record<string, unknown>) =>
      JSON.parse((await runTask(httpRequest, { url, ...params })).body);
    assert.deepEqual(await echo({ method: "PUT", body: "text", headers: { "X-Token": "t" } }), {
      method: "PUT",
      type: "text/plain;charset=UTF-8",
      token: "t",
      body: "text",
    });
    const json = { method: "POST", type: "application/json", token: null, body: '{"a":[1]}' };
    assert.deepEqual(await echo({ method: "POST", body: { a: [1] } }), json);
    const typed = await echo({
      method: "POST",
      body: [1],
      headers: { "content-type": "application/vnd.test+json" },
    });
    assert.equal(typed.type, "application/vnd.test+json");
  });
});

Deno.test("httpRequest follows redirects", async () => {
  const handler = (request: Request) =>
    request.url.endsWith("/old")
      ? new Response(null, { status: 302, headers: { location: "/new" } })
      : new Response(new URL(request.url).pathname);
  await serve(handler, async (url) => {
    assert.equal((await runTask(httpRequest, { url: `${url}/old` })).body, "/new");
  });
});

Deno.test("httpRequest fails on a status that is not expected and shows the start of the body", async () => {
  await serve(() => new Response("out of\norder".padEnd(1000), { status: 500 }), async (url) => {
    const address = `${url}/a`;
    await assert.rejects(
      runTask(httpRequest, { url: `${address}?token=hunter2` }),
      (error: Error) => {
        assert.ok(
          error.message.startsWith(
            `GET ${address} answered 500, expected 200 to 299; the body begins "out of\\norder `,
          ),
          error.message,
        );
        assert.ok(error.message.length < 400);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
    await assert.rejects(
      runTask(httpRequest, { url, expected_status: [404, 410] }),
      /answered 500, expected 404 or 410;/,
    );
  });
});

Deno.test("httpRequest accepts the expected status", async () => {
  await serve(() => new Response(null, { status: 404 }), async (url) => {
    assert.equal((await runTask(httpRequest, { url, expected_status: 404 })).status, 404);
    assert.equal((await runTask(httpRequest, { url, expected_status: [200, 404] })).status, 404);
    await assert.rejects(runTask(httpRequest, { url }), /answered 404, expected 200 to 299$/);
  });
});

Deno.test("httpRequest cuts a long body at max_body_bytes and stops fetching it", async () => {
  const cancelled = Promise.withResolvers<void>();
  const endless = () =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("\u00e9".repeat(1000))),
      cancel: () => cancelled.resolve(),
    });
  await serve(() => new Response(endless()), async (url) => {
    const result = await runTask(httpRequest, { url, max_body_bytes: 101 });
    // Half a character is left out.
    assert.equal(result.body, "\u00e9".repeat(50));
    assert.equal(result.truncated, true);
    await within(cancelled.promise, "the server to see that its client has gone");
  });
});

Deno.test("httpRequest puts a body together that comes byte by byte", async () => {
  const text = "0123456789".repeat(1000);
  const chunks = [...text].map((byte) => `1\r\n${byte}\r\n`).join("");
  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  await serveBytes([head, chunks, "0\r\n\r\n"], async (url) => {
    for (const maxBytes of [9_999, 10_000]) {
      const answer = await runTask(httpRequest, { url, max_body_bytes: maxBytes });
      const { body, truncated } = answer as { body: string; truncated?: true };
      assert.equal(body, text.slice(0, maxBytes));
      assert.equal(truncated, maxBytes < text.length ? true : undefined);
    }
  });
});

Deno.test("httpRequest keeps a body of just max_body_bytes whole", async () => {
  await serve(() => new Response("12345"), async (url) => {
    const result = await runTask(httpRequest, { url, max_body_bytes: 5 });
    assert.deepEqual([result.body, result.truncated], ["12345", undefined]);
    const none = await runTask(httpRequest, { url, max_body_bytes: 0 });
    assert.deepEqual([none.body, none.truncated], ["", true]);
  });
});

/** The task's result for an answer with these bytes. */
async function readBytes(
  bytes: readonly number[],
  type = "text/plain",
  options: Record<string, unknown> = {},
  maxResultBytes = 1_048_576,
  // deno-lint-ignore no-explicit-any -- results are looked into freely
): Promise<any> {
  let result: unknown;
  const handler = () => new Response(Uint8Array.from(bytes), { headers: { "content-type": type } });
  await serve(handler, async (url) => {
    const setup = { settings: { allow_private: true }, maxResultBytes };
    result = await runTask(httpRequest, { url, ...options }, setup);
  });
  return result;
}

Deno.test("httpRequest reads the body by its byte order mark, else in its charset, else as UTF-8", async () => {
  const cases: [bytes: number[], type: string][] = [
    [[0xe9], "text/plain; charset=latin1"],
    [[0xe9], 'text/plain;a=b; Charset = "windows-1252"'],
    [[0xc3, 0xa9], "text/plain; charset=utf-8"],
    [[0xc3, 0xa9], "text/plain; charset=nonsense"],
    [[0xc3, 0xa9], "application/octet-stream"],
    [[0xef, 0xbb, 0xbf, 0xc3, 0xa9], "text/plain; charset=latin1"],
    [[0xff, 0xfe, 0xe9, 0], "text/plain"],
    [[0xfe, 0xff, 0, 0xe9], "text/plain"],
  ];
  for (const [bytes, type] of cases) {
    const { body, base64 } = await readBytes(bytes, type);
    assert.deepEqual([body, base64], ["\u00e9", undefined], type);
  }
});

Deno.test("httpRequest gives a body that is no text as base64", async () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  for (const type of ["image/png", "text/plain", "text/plain; charset=utf-8"]) {
    const { base64, body, truncated } = await readBytes(bytes, type);
    assert.deepEqual([base64, truncated], [true, undefined]);
    assert.deepEqual([...Uint8Array.fromBase64(body)], bytes);
  }
  const { base64, body, truncated } = await readBytes(bytes, "image/png", { max_body_bytes: 200 });
  assert.deepEqual([base64, truncated], [true, true]);
  assert.deepEqual([...Uint8Array.fromBase64(body)], bytes.slice(0, 200));
});

Deno.test("httpRequest cuts a body to what a result may hold, whatever its characters take as JSON", async () => {
  const bodies = ["a", '"', "\n", "\0", "\u00e9", "\u{1f600}", "\\", 'x\u0001\u{1f600}"\\'];
  for (const piece of bodies) {
    const whole = piece.repeat(3000);
    const bytes = [...new TextEncoder().encode(whole)];
    for (let limit = 1000; limit < 1014; limit++) {
      const result = await readBytes(bytes, "text/plain", {}, limit);
      const size = new TextEncoder().encode(JSON.stringify(result)).length;
      assert.ok(size <= limit && size > limit - 12, `${size} of ${limit} for ${piece}`);
      assert.ok(whole.startsWith(result.body) && result.body.isWellFormed());
      assert.equal(result.truncated, true);
    }
  }
  const { base64, body } = await readBytes(Array(3000).fill(0xff), "text/plain", {}, 1000);
  assert.equal(base64, true);
  assert.ok(Uint8Array.fromBase64(body).every((byte) => byte === 0xff));
});

Deno.test("httpRequest says that a server does not speak TLS", async () => {
  await serve(() => new Response("plain"), async (url) => {
    const secure = `${url.replace("http:", "https:")}/`;
    await assert.rejects(runTask(httpRequest, { url: secure }), {
      message: `Cannot GET ${secure}: the server does not speak TLS there; use http://`,
    });
  });
});

Deno.test("httpRequest says that the connection was refused, without credentials and query", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const url = `http://user:hunter2@127.0.0.1:${port}/path?token=hunter2`;
  await assert.rejects(runTask(httpRequest, { url, method: "POST" }), (error: Error) => {
    assert.match(
      error.message,
      new RegExp(`^Cannot POST http://127.0.0.1:${port}/path: .*refused`),
    );
    assert.doesNotMatch(error.message, /hunter2/);
    assert.equal(error.cause, undefined);
    return true;
  });
});

Deno.test("httpRequest ends with the signal's reason, before and while the answer comes", async () => {
  const reason = new DOMException("timed out after 2 seconds", "TimeoutError");
  const controller = new AbortController();
  const handler = () => {
    controller.abort(reason);
    return new Response(new ReadableStream({ start: (body) => body.enqueue(new Uint8Array(1)) }));
  };
  await serve(handler, async (url) => {
    const isReason = (thrown: unknown) => thrown === reason;
    await assert.rejects(
      runTask(httpRequest, { url }, { signal: AbortSignal.abort(reason) }),
      isReason,
    );
    await assert.rejects(runTask(httpRequest, { url }, { signal: controller.signal }), isReason);
  });
});

Deno.test("httpRequest refuses params that do not fit and names the field", async () => {
  const url = "http://h/";
  const cases: [params: Record<string, unknown>, expected: RegExp][] = [
    [{}, /url /],
    [{ url: "no url" }, /url is no URL/],
    [{ url: "file:///etc/passwd" }, /url has a scheme other than http/],
    [{ url: "http://a:%zz@h/" }, /url has a % that encodes nothing/],
    [{ url, method: "BREW" }, /method /],
    [{ url, redirect: "maybe" }, /redirect /],
    [{ url, expected_status: 99 }, /expected_status /],
    [{ url, expected_status: [] }, /expected_status /],
    [{ url, max_body_bytes: 1.5 }, /max_body_bytes /],
    [{ url, headers: { a: 1 } }, /headers.a /],
    [{ url, headers: ["a: b"] }, /headers.0 is no header name/],
    [{ url, headers: "a: b" }, /headers /],
    [{ url, headers: { "a b": "x" } }, /headers.a b is no header name/],
    [{ url, headers: { "": "x" } }, /headers. is no header name/],
    [{ url, headers: { "a:": "x" } }, /headers.a: is no header name/],
    [{ url, headers: { a: "x\r\nhost: b" } }, /headers.a has a line break, a control/],
    [{ url, headers: { a: "x\0" } }, /headers.a .*a control character/],
    [{ url, headers: { a: "\u20ac" } }, /headers.a .*beyond Latin-1/],
    [{ url, headers: { a: "1", A: "2" } }, /headers.A is given twice/],
    [
      { url, headers: { "Content-Length": "1" } },
      /headers.Content-Length is a header that Valet sets/,
    ],
    [{ url, headers: { "transfer-encoding": "chunked" } }, /is a header that Valet sets itself/],
    [
      { url: "http://a:b@h/", headers: { Authorization: "x" } },
      /headers.Authorization is given, and the URL/,
    ],
    [{ url, body: "x" }, /body cannot go with a GET request; use another method/],
    [{ url, method: "HEAD", body: {} }, /body cannot go with a HEAD request/],
    [{ url, method: "POST", body: 1 }, /body /],
    [{ url, method: "POST", body: "\ud800" }, /body has half of a surrogate pair/],
    [{ url, method: "POST", body: "x", json: {} }, /json /],
    [
      { url, method: "POST", body: {}, headers: { "content-type": "text/xml" } },
      /body is sent as JSON, and the content-type says text\/xml; give a text/,
    ],
    [
      { url, method: "POST", body: "x", headers: { "content-type": "text/a; charset=latin1" } },
      /headers.content-type says latin1, and the body is sent as UTF-8/,
    ],
    [{ url, timeout: 1 }, /timeout /],
  ];
  for (const [params, expected] of cases) {
    await assert.rejects(runTask(httpRequest, params), expected);
  }
});

Deno.test("httpRequest names every wrong param at once", async () => {
  const params = { url: "http://h/", body: "x", headers: { "a b": "x", c: "\n" } };
  await assert.rejects(
    runTask(httpRequest, params),
    /headers.a b .*; task_params\.headers\.c .*; task_params\.body /,
  );
});

Deno.test("httpRequest has a timeout of its own: a minute", () => {
  assert.deepEqual((httpRequest as TaskDefinition).timeout, { minutes: 1 });
});
