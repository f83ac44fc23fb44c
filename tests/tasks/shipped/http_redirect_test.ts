import assert from "node:assert/strict";
import httpRequest from "../../../tasks/shipped/http_request.ts";
import { runTask } from "../../testing/run_task.ts";
import { serve } from "../../testing/serve.ts";
import { serveBytes } from "../../testing/serve_bytes.ts";

/** What a server saw of a request. */
interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Tells what it sees; `/to?STATUS&URL` is a redirect. */
function handlerInto(seen: Seen[]): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname, search } = new URL(request.url);
    const headers = Object.fromEntries(request.headers);
    seen.push({ method: request.method, path: pathname, headers, body: await request.text() });
    if (pathname !== "/to") return new Response("arrived");
    const [, status, location] = /^\?(\d+)&(.*)$/.exec(search)!;
    return new Response("moved", { status: Number(status), headers: { location: location! } });
  };
}

const secrets = {
  authorization: "Bearer hunter2",
  cookie: "session=hunter2",
  "proxy-authorization": "Basic hunter2",
  "x-api-key": "hunter2",
  "private-token": "hunter2",
};

Deno.test("a redirect to another origin gets no credential of any kind, and never again", async () => {
  const there: Seen[] = [];
  const here: Seen[] = [];
  await serve(handlerInto(there), async (other) => {
    await serve(handlerInto(here), async (url) => {
      const back = `${other}/to?307&${url}/back`;
      const params = { url: `${url}/to?307&${back}`, method: "POST", body: { a: 1 } };
      const headers = { ...secrets, accept: "text/plain", host: "named.example" };
      await runTask(httpRequest, { ...params, headers });
    });
    const [first, last] = here;
    assert.equal(first!.headers["authorization"], "Bearer hunter2");
    assert.equal(first!.headers["x-api-key"], "hunter2");
    for (const { body, headers, method } of [there[0]!, last!]) {
      assert.deepEqual([method, body], ["POST", '{"a":1}']);
      assert.doesNotMatch(JSON.stringify(headers), /hunter2|named\.example/);
      assert.equal(headers["accept"], "text/plain");
      assert.equal(headers["content-type"], "application/json");
    }
  });
});

Deno.test("the name and the password of a URL stay with its origin", async () => {
  const there: Seen[] = [];
  const here: Seen[] = [];
  await serve(handlerInto(there), async (other) => {
    await serve(handlerInto(here), async (url) => {
      const secret = url.replace("//", "//us%C3%A9r:hunter2%40@");
      await runTask(httpRequest, { url: `${secret}/to?302&/same` });
      await runTask(httpRequest, { url: `${secret}/to?302&${other}/` });
      await runTask(httpRequest, { url: `${url}/to?302&${other.replace("//", "//a:b@")}/` });
    });
  });
  const basic = `Basic ${new TextEncoder().encode("us\u00e9r:hunter2@").toBase64()}`;
  const sent = (seen: Seen[]) => seen.map(({ headers }) => headers["authorization"]);
  assert.deepEqual(sent(here), [basic, basic, basic, undefined]);
  assert.deepEqual(sent(there), [undefined, undefined]);
});

Deno.test("a redirect within the origin keeps the headers", async () => {
  const seen: Seen[] = [];
  await serve(handlerInto(seen), async (url) => {
    await runTask(httpRequest, { url: `${url}/to?302&/new`, headers: secrets });
    assert.deepEqual(seen[1]!.path, "/new");
    for (const [name, value] of Object.entries(secrets)) {
      assert.equal(seen[1]!.headers[name], value);
    }
  });
});

const methods: [status: number, method: string, expected: string][] = [
  [301, "POST", "GET"],
  [302, "POST", "GET"],
  [303, "POST", "GET"],
  [303, "PUT", "GET"],
  [301, "PUT", "PUT"],
  [302, "DELETE", "DELETE"],
  [307, "POST", "POST"],
  [308, "PATCH", "PATCH"],
  [302, "HEAD", "HEAD"],
  [303, "HEAD", "HEAD"],
];
for (const [status, method, expected] of methods) {
  Deno.test(`a ${method} that is answered ${status} goes on as ${expected}`, async () => {
    const seen: Seen[] = [];
    await serve(handlerInto(seen), async (url) => {
      const body = method === "HEAD" ? {} : { body: "text" };
      await runTask(httpRequest, { url: `${url}/to?${status}&/new`, method, ...body });
    });
    const { body, headers, method: last } = seen[1]!;
    assert.equal(last, expected);
    assert.equal(body, expected === method && method !== "HEAD" ? "text" : "");
    assert.equal("content-type" in headers, body !== "");
  });
}

Deno.test("redirect: manual gives the redirect as the answer", async () => {
  await serve(handlerInto([]), async (url) => {
    const request = { url: `${url}/to?302&/new`, redirect: "manual" };
    const { body, headers, status } = await runTask(httpRequest, request);
    assert.deepEqual([status, headers.location, body], [302, "/new", "moved"]);
    const only = runTask(httpRequest, { ...request, expected_status: 200 });
    await assert.rejects(only, /answered 302, expected 200;/);
  });
});

Deno.test("redirect: error fails and says where the redirect led", async () => {
  await serve(handlerInto([]), async (url) => {
    const target = "http://user:hunter2@other.example/new?token=hunter2";
    const request = { url: `${url}/to?308&${target}`, redirect: "error" };
    await assert.rejects(runTask(httpRequest, request), {
      message: `Cannot GET ${url}/to: answered 308, a redirect to http://other.example/new; ` +
        'redirect is "error"',
    });
    const { body } = await runTask(httpRequest, { url, redirect: "error" });
    assert.equal(body, "arrived");
  });
});

Deno.test("a redirect without end is given up", async () => {
  let requests = 0;
  const handler = () => {
    requests++;
    return new Response(null, { status: 302, headers: { location: "/again" } });
  };
  await serve(handler, async (url) => {
    await assert.rejects(runTask(httpRequest, { url }), {
      message: `Cannot GET ${url}/: redirected to ${url}/again: more than 20 redirects`,
    });
  });
  assert.equal(requests, 21);
});

Deno.test("a redirect without a Location, and a 304, are answers", async () => {
  for (const status of [302, 304]) {
    await serve(() => new Response(null, { status }), async (url) => {
      const { status: seen } = await runTask(httpRequest, { url, expected_status: status });
      assert.equal(seen, status);
    });
  }
});

Deno.test("a Location may hold UTF-8", async () => {
  const answer = "HTTP/1.1 302 Found\r\nlocation: /caf\u00e9\r\ncontent-length: 0\r\n\r\n";
  await serveBytes([answer], async (url) => {
    await assert.rejects(runTask(httpRequest, { url }), /redirected to \S+\/caf%C3%A9: more than/);
  });
});
