import assert from "node:assert/strict";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import csvReport from "../../../tasks/shipped/csv_report.ts";
import httpRequest from "../../../tasks/shipped/http_request.ts";
import { runTask } from "../../testing/run_task.ts";
import { serve } from "../../testing/serve.ts";
import { serveBytes } from "../../testing/serve_bytes.ts";

/** Hosts that all mean this machine, its network, its cloud, or nothing that is public. */
const privateHosts = [
  "127.0.0.1",
  "127.1",
  "127.0.0.1.",
  "0x7f.1",
  "0x7f000001",
  "0177.0.0.1",
  "2130706433",
  "%31%32%37.0.0.1",
  "\uff11\uff12\uff17.0.0.1",
  "0",
  "0.0.0.0",
  "localhost",
  "LOCALHOST",
  "localhost.",
  "[::1]",
  "[::]",
  "[0:0:0:0:0:0:0:1]",
  "[::127.0.0.1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[64:ff9b::7f00:1]",
  "10.0.0.1",
  "192.168.1.1",
  "169.254.169.254",
  "100.100.100.200",
  "[fd00:ec2::254]",
];

Deno.test("private addresses are refused, however they are written, and nothing is sent", async () => {
  let requests = 0;
  const handler = () => {
    requests++;
    return new Response("secret");
  };
  await serve(handler, async (url) => {
    const { port } = new URL(url);
    for (const host of privateHosts) {
      for (const [task, verb] of [[httpRequest, "POST"], [csvReport, "GET"]] as const) {
        const params = { url: `http://user:hunter2@${host}:${port}/a?token=hunter2` };
        const running = runTask(task, task === httpRequest ? { ...params, method: verb } : params, {
          settings: { allow_private: false },
        });
        await assert.rejects(running, ({ message }: Error) => {
          const reason =
            /^Cannot (?:POST|GET) http:\/\/\S+\/a: \S+ (?:is|has) a private address \([a-z0-9 ]+\), which needs tasks\.test\.allow_private: true in the configuration$/;
          assert.match(message, reason, host);
          assert.doesNotMatch(message, /hunter2/);
          return true;
        });
      }
    }
  });
  assert.equal(requests, 0);
});

Deno.test("private addresses are refused without any setting", async () => {
  await assert.rejects(
    runTask(httpRequest, { url: "http://localhost:1/" }, { settings: {} }),
    {
      message: "Cannot GET http://localhost:1/: localhost has a private address (loopback), " +
        "which needs tasks.test.allow_private: true in the configuration",
    },
  );
});

Deno.test("a redirect is checked as the first URL is", async () => {
  const paths: string[] = [];
  const handler = (request: Request) => {
    paths.push(new URL(request.url).pathname);
    return Response.redirect(new URL("/private?token=hunter2", request.url));
  };
  for (const task of [httpRequest, csvReport]) {
    let looks = 0;
    const settings = {
      // The first look stands for a public address, of which a test has none.
      get allow_private() {
        return looks++ === 0;
      },
    };
    await serve(handler, async (url) => {
      await assert.rejects(runTask(task, { url: `${url}/public` }, { settings }), {
        message: `Cannot GET ${url}/public: redirected to ${url}/private: 127.0.0.1 is a private ` +
          "address (loopback), which needs tasks.test.allow_private: true in the configuration",
      });
    });
    assert.deepEqual(paths.splice(0), ["/public"]);
  }
});

Deno.test("a name of the system's hosts file is found, and each of its addresses tried", async () => {
  await serve(() => new Response("hello"), async (url) => {
    const named = url.replace("127.0.0.1", "localhost");
    assert.equal((await runTask(httpRequest, { url: named })).body, "hello");
  });
});

Deno.test("failures name method, URL and reason, and no credential", async () => {
  const head = "HTTP/1.1 200 OK\r\n";
  const cases: [answer: string[], reason: string | RegExp][] = [
    [[], "the connection was closed before the answer was complete"],
    [[head], "the connection was closed before the answer was complete"],
    [[head, "content-length: 9\r\n\r\nabc"], /^the connection was closed before the answer/],
    [[head, "transfer-encoding: chunked\r\n\r\n5\r\nab"], /^the connection was closed before/],
    [["SSH-2.0-OpenSSH_9.2\r\n\r\n"], /^the answer is not valid HTTP \(Parse Error: Expected HTTP/],
    [[head, "content-length: 1\r\ncontent-length: 2\r\n\r\nab"], /^the answer is not valid HTTP/],
    [[head, `x: ${"a".repeat(100_000)}\r\n\r\n`], "the header of the answer is too long"],
    [
      [head, "content-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello"],
      /^the answer cannot be decompressed \(incorrect header check\)$/,
    ],
    [
      ["HTTP/1.1 302 Found\r\nlocation: ftp://u:hunter2@h/\r\ncontent-length: 0\r\n\r\n"],
      "answered 302 with a Location that is no HTTP URL",
    ],
  ];
  for (const [answer, reason] of cases) {
    await serveBytes(answer, async (url) => {
      const secret = url.replace("//", "//user:hunter2@");
      const running = runTask(httpRequest, { url: `${secret}/a?token=hunter2#hunter2` });
      await assert.rejects(running, ({ message }: Error) => {
        assert.ok(message.startsWith(`Cannot GET ${url}/a: `), message);
        const told = message.slice(`Cannot GET ${url}/a: `.length);
        if (typeof reason === "string") assert.equal(told, reason);
        else assert.match(told, reason);
        assert.doesNotMatch(message, /hunter2/);
        return true;
      });
    });
  }
});

Deno.test("a host that is not known is told, whether private addresses are allowed or not", async () => {
  for (const allow_private of [true, false]) {
    await assert.rejects(
      runTask(httpRequest, { url: "http://nowhere.invalid/" }, { settings: { allow_private } }),
      /^Error: Cannot GET http:\/\/nowhere\.invalid\/: the name of the host (?:is not known|cannot be)/,
    );
  }
});

Deno.test("a TLS connection to a server that speaks none is told", async () => {
  await serve(() => new Response(), async (url) => {
    const secure = url.replace("http:", "https:");
    const start = new RegExp(`^Error: Cannot GET ${secure}/: .+`);
    await assert.rejects(runTask(httpRequest, { url: secure }), start);
  });
});

const compressors = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };
for (const [encoding, compress] of Object.entries(compressors)) {
  Deno.test(`an answer compressed with ${encoding} is read`, async () => {
    const bytes = new Uint8Array(compress(new TextEncoder().encode("h\u00e9llo")));
    const handler = () => new Response(bytes, { headers: { "content-encoding": encoding } });
    await serve(handler, async (url) => {
      const { body, headers } = await runTask(httpRequest, { url });
      assert.equal(body, "h\u00e9llo");
      assert.equal("content-encoding" in headers || "content-length" in headers, false);
      assert.equal((await runTask(httpRequest, { url, method: "HEAD" })).body, "");
    });
  });

  Deno.test(`an answer of ${encoding} that unpacks to very much is read no further than asked`, async () => {
    const bytes = new Uint8Array(compress(new Uint8Array(4 * 1024 * 1024)));
    assert.ok(bytes.length < 100_000);
    const handler = () => new Response(bytes, { headers: { "content-encoding": encoding } });
    await serve(handler, async (url) => {
      const { body, truncated } = await runTask(httpRequest, { url, max_body_bytes: 1000 });
      assert.deepEqual([body, truncated], ["\0".repeat(1000), true]);
    });
  });
}

Deno.test("an answer with an empty body needs no decompression", async () => {
  const handler = () =>
    new Response(null, { status: 204, headers: { "content-encoding": "gzip" } });
  await serve(handler, async (url) => {
    assert.equal((await runTask(httpRequest, { url })).body, "");
  });
});

Deno.test("an answer in an encoding that nobody asked for is kept as it is, and is no CSV", async () => {
  const handler = () => new Response("\x28\xb5", { headers: { "content-encoding": "zstd" } });
  await serve(handler, async (url) => {
    const { headers } = await runTask(httpRequest, { url });
    assert.equal(headers["content-encoding"], "zstd");
    await assert.rejects(runTask(csvReport, { url }), {
      message: `GET ${url}/ answered with content-encoding zstd, which cannot be decompressed`,
    });
  });
});

Deno.test("a server may send a hundred interim answers, and no more", async () => {
  const interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  await serveBytes([interim.repeat(100), answer], async (url) => {
    assert.deepEqual((await runTask(httpRequest, { url }) as { body: string }).body, "ok");
  });
  const endless = Array<string>(1000).fill("HTTP/1.1 100 Continue\r\n\r\n".repeat(1000));
  await serveBytes(endless, async (url) => {
    await assert.rejects(
      runTask(httpRequest, { url }),
      { message: `Cannot GET ${url}/: more than 100 interim answers (1xx) came` },
    );
  });
});

Deno.test("a server that never answers is left when the signal aborts, in a TLS handshake too", async () => {
  const reason = new DOMException("timed out after 1 second", "TimeoutError");
  for (const scheme of ["http", "https"]) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const controller = new AbortController();
    const running = runTask(httpRequest, { url: `${scheme}://127.0.0.1:${port}/` }, {
      signal: controller.signal,
    });
    const accepted = listener.accept();
    const left = accepted.then(async (connection) => {
      await connection.read(new Uint8Array(65_536));
      controller.abort(reason);
      // The end of the connection, or its reset.
      while (await connection.read(new Uint8Array(65_536)).catch(() => null) !== null);
      connection.close();
    });
    await assert.rejects(running, (thrown: unknown) => thrown === reason);
    await left;
    listener.close();
  }
});
