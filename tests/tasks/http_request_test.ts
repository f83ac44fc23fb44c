import assert from "node:assert/strict";
import { httpRequest } from "../../tasks/http_request.ts";
import { runTask } from "../testing/run_task.ts";
import { serve } from "../testing/serve.ts";

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
  const answerWith = (...cookies: string[]) => () =>
    new Response(null, { headers: cookies.map((cookie) => ["set-cookie", cookie]) });
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
  let isCancelled = false;
  const endless = () =>
    new ReadableStream({
      pull: (controller) => controller.enqueue(new TextEncoder().encode("\u00e9".repeat(1000))),
      cancel: () => void (isCancelled = true),
    });
  await serve(() => new Response(endless()), async (url) => {
    const result = await runTask(httpRequest, { url, max_body_bytes: 101 });
    // Half a character is left out.
    assert.equal(result.body, "\u00e9".repeat(50));
    assert.equal(result.truncated, true);
  });
  assert.equal(isCancelled, true);
});

Deno.test("httpRequest keeps a body of just max_body_bytes whole", async () => {
  await serve(() => new Response("12345"), async (url) => {
    const result = await runTask(httpRequest, { url, max_body_bytes: 5 });
    assert.deepEqual([result.body, result.truncated], ["12345", undefined]);
    const none = await runTask(httpRequest, { url, max_body_bytes: 0 });
    assert.deepEqual([none.body, none.truncated], ["", true]);
  });
});

Deno.test("httpRequest reads the body in its charset, and as UTF-8 where that is unknown", async () => {
  const handler = (request: Request) => {
    const charset = new URL(request.url).searchParams.get("charset");
    const headers = { "content-type": `text/plain; charset=${charset}` };
    return new Response(new Uint8Array(charset === "latin1" ? [0xe9] : [0xc3, 0xa9]), { headers });
  };
  await serve(handler, async (url) => {
    for (const charset of ["latin1", "utf-8", "nonsense"]) {
      assert.equal(
        (await runTask(httpRequest, { url: `${url}?charset=${charset}` })).body,
        "\u00e9",
      );
    }
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

Deno.test("httpRequest says what is wrong with a request that cannot be sent", async () => {
  await serve(() => new Response(), async (url) => {
    await assert.rejects(runTask(httpRequest, { url, body: "x" }), /Cannot GET .*cannot have body/);
    await assert.rejects(runTask(httpRequest, { url, headers: { "a b": "x" } }), /header name/);
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
    await assert.rejects(runTask(httpRequest, { url }, AbortSignal.abort(reason)), isReason);
    await assert.rejects(runTask(httpRequest, { url }, controller.signal), isReason);
  });
});

Deno.test("httpRequest refuses params that do not fit and names the field", async () => {
  const cases: [params: Record<string, unknown>, expected: RegExp][] = [
    [{}, /url: /],
    [{ url: "no url" }, /url: this is no URL/],
    [{ url: "file:///etc/passwd" }, /url: only http:\/\/ and https:\/\/ URLs are allowed/],
    [{ url: "http://h", method: "BREW" }, /method: /],
    [{ url: "http://h", expected_status: 99 }, /expected_status: /],
    [{ url: "http://h", expected_status: [] }, /expected_status: /],
    [{ url: "http://h", max_body_bytes: 1.5 }, /max_body_bytes: /],
    [{ url: "http://h", headers: { a: 1 } }, /headers.a: /],
    [{ url: "http://h", timeout: 1 }, /timeout: /],
  ];
  for (const [params, expected] of cases) {
    await assert.rejects(runTask(httpRequest, params), expected);
  }
});
