// What a listener does with connections whose clients are slow, silent, gone or too many; where only
// one listener does it, the test says why.

import assert from "node:assert/strict";
import { eventually } from "../../testing/eventually.ts";
import { skipOnOldRuntime } from "../../testing/old_runtime.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { openApp } from "../../testing/open_app.ts";
import { RawConnection } from "../../testing/raw_connection.ts";
import { within } from "../../testing/within.ts";

const kinds = ["node", "deno"] as const;
const head = "POST /jobs HTTP/1.1\r\nHost: localhost\r\n";
const job = JSON.stringify({ name: "a job", task_name: "dummytask" });
const post = `${head}Content-Length: ${job.length}\r\n\r\n${job}`;
const live = "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
const mebibyte = 1024 * 1024;

const unfinishedBody = "Content-Length: 100\r\n\r\n{";
/**
 * Requests of which the rest never comes. `node` ends their connections; with `deno` they stay open, whatever
 * is done, because nothing stops a read that is under way.
 */
const unfinished: readonly (readonly [request: string, status: number])[] = [
  [`POST /nothing HTTP/1.1\r\nHost: localhost\r\n${unfinishedBody}`, 404],
  [`PUT /jobs HTTP/1.1\r\nHost: localhost\r\n${unfinishedBody}`, 405],
  [`${head}${unfinishedBody}`, 408],
  [`${head}Content-Encoding: gzip\r\n${unfinishedBody}`, 415],
  [`POST /jobs HTTP/1.1\r\nHost: a b\r\n${unfinishedBody}`, 400],
  [
    `DELETE /jobs/1 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`,
    404,
  ],
];

/** Sends without an end until the server ends the connection; how much went out. */
async function sendForever(connection: RawConnection, part: string): Promise<number> {
  const bytes = new TextEncoder().encode(part);
  let sent = 0;
  try {
    for (;; sent += bytes.length) await connection.send(bytes);
  } catch {
    return sent;
  }
}

for (const kind of kinds) {
  /** A test that an older Deno.serve does not pass: it ends connections too early or not at all. */
  const test = (title: string, fn: () => Promise<void>) => {
    const name = `${kind}: ${title}`;
    const reason = "its Deno.serve ends connections otherwise";
    Deno.test(kind === "node" ? { name } : skipOnOldRuntime(name, reason, "2.9.6"), fn);
  };

  test("a body that is too large is answered with 413, and the connection ends", async () => {
    await using app = await openApp({ kind });
    for (
      const [start, part] of [
        [`${head}Content-Length: 999999999999\r\n\r\n`, "x".repeat(65_536)],
        [`${head}Transfer-Encoding: chunked\r\n\r\n`, `10000\r\n${"x".repeat(65_536)}\r\n`],
      ] as const
    ) {
      using connection = await RawConnection.open(app.port);
      await connection.send(start);
      const [sent, answer] = await Promise.all([
        sendForever(connection, part),
        connection.receiveAll(),
      ]);
      assert.match(answer, /^HTTP\/1\.1 413 [^]*"code":413,"reason":"too_large"/);
      assert.ok(sent < 80 * mebibyte, `${sent} bytes went out`);
    }
  });

  test("a body of tiny chunks is refused before it costs much, and its connection ends", async () => {
    await using app = await openApp({ kind });
    using connection = await RawConnection.open(app.port);
    await connection.send(`${head}Transfer-Encoding: chunked\r\n\r\n1\r\n"\r\n`);
    const [sent, answer] = await Promise.all([
      sendForever(connection, "1\r\na\r\n".repeat(10_000)),
      connection.receiveAll(),
    ]);
    assert.match(answer, /^HTTP\/1\.1 400 [^]*more than 10000 chunks of less than 64 bytes/);
    assert.ok(sent < 40 * mebibyte, `${sent} bytes went out`);
  });

  test("an answer that comes before its body does not wait for it", async () => {
    await using app = await openApp({ kind, bodyTimeoutMs: 50 });
    for (const [request, status] of unfinished) {
      using connection = await RawConnection.open(app.port);
      await connection.send(request);
      const answer = new RegExp(`^HTTP/1.1 ${status} [^]*"code":${status},[^}]*\\}`);
      await connection.receive(answer);
      if (kind === "node") assert.match(await connection.receiveAll(), answer);
    }
  });

  Deno.test(`${kind}: a client that goes away in its body harms nobody`, async () => {
    await using app = await openApp({ kind });
    for (let count = 0; count < 20; count++) {
      using connection = await RawConnection.open(app.port);
      await connection.send(`${head}Content-Length: 100\r\n\r\n{`);
    }
    using connection = await RawConnection.open(app.port);
    await connection.send(post);
    await connection.receive(/^HTTP\/1\.1 202 /);
  });

  test("requests that were sent ahead are answered one after the other", async () => {
    await using app = await openApp({ kind });
    using connection = await RawConnection.open(app.port);
    await connection.send(
      (post + live).repeat(10) + "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    await connection.receive(/"code":404/);
    const statuses = connection.received.match(/HTTP\/1\.1 \d+/g)?.map((line) => line.slice(9));
    assert.deepEqual(statuses, [...Array(10).fill(["202", "200"]).flat(), "404"]);
  });

  test("an answer without a body is given to a request with one, whether that comes or not", async () => {
    await using app = await openApp({ kind });
    const options = "OPTIONS /jobs HTTP/1.1\r\nHost: localhost\r\n";
    for (const body of ["Content-Length: 2\r\n\r\n{}", unfinishedBody]) {
      using connection = await RawConnection.open(app.port);
      await connection.send(options + body);
      await connection.receive(/^HTTP\/1\.1 204 [^]*\r\n\r\n/);
      if (kind === "node" && body === unfinishedBody) await connection.receiveAll();
    }
    const id = await app.submit();
    const url = `http://127.0.0.1:${app.port}/jobs/${id}`;
    assert.equal((await fetch(url, { method: "DELETE", body: "{}" })).status, 204);
  });

  Deno.test(`${kind}: a connection goes on after a body that nobody has read`, async () => {
    await using app = await openApp({ kind });
    using connection = await RawConnection.open(app.port);
    await connection.send(
      "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nGET ",
    );
    await connection.receive(/"code":404/);
    await connection.send(live);
    await connection.receive(/HTTP\/1\.1 200 [^]*alive/);
  });

  test("a large answer comes whole", async () => {
    const name = "\u20ac".repeat(255);
    await using app = await openApp({ kind });
    const params = { text: "\u20ac".repeat(30_000) };
    for (let count = 0; count < 5; count++) await app.submit({ name, task_params: params });
    const response = await fetch(`http://127.0.0.1:${app.port}/jobs`);
    const { jobs } = await response.json();
    assert.deepEqual(
      jobs.map((job: { task_params: unknown }) => job.task_params),
      Array(5).fill(params),
    );
    const head = await fetch(`http://127.0.0.1:${app.port}/jobs`, { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), response.headers.get("content-length"));
  });
}

Deno.test("a client that ends its side after the request gets its answer (deno: lost after a wait)", async () => {
  await using app = await openApp({ kind: "node" });
  for (const request of [live, post]) {
    using connection = await RawConnection.open(app.port);
    await connection.send(request);
    await connection.endSending();
    assert.match(await connection.receiveAll(), /^HTTP\/1\.1 20[02] /);
  }
});

Deno.test("silent connections, half heads and idle ones end (deno: they stay)", async () => {
  await using app = await openApp({ kind: "node", headTimeoutMs: 200, idleTimeoutMs: 100 });
  for (
    const [sent, answer] of [
      ["", /^HTTP\/1\.1 408 [^]*"reason":"timeout"/],
      ["GET /health/li", /^HTTP\/1\.1 408 [^]*"reason":"timeout"/],
      [
        "GET /health/live HTTP/1.1\r\nHost: localhost\r\n",
        /^HTTP\/1\.1 408 [^]*"reason":"timeout"/,
      ],
      [live, /^HTTP\/1\.1 200 [^]*alive"\}$/],
    ] as const
  ) {
    using connection = await RawConnection.open(app.port);
    await connection.send(sent);
    assert.match(await connection.receiveAll(), answer);
  }
});

/** A large answer that is made while it is read. */
class LargeAnswer {
  static readonly bytes = 20 * mebibyte;
  madeBytes = 0;
  readonly #cancelled = Promise.withResolvers<void>();
  /** Resolves if its connection ends before it was read. */
  readonly cancelled = this.#cancelled.promise;

  readonly answer = (): Response => {
    const part = new TextEncoder().encode("x".repeat(65_536));
    const stream = new ReadableStream({
      pull: (controller) => {
        controller.enqueue(part);
        this.madeBytes += part.length;
        if (this.madeBytes === LargeAnswer.bytes) controller.close();
      },
      cancel: () => this.#cancelled.resolve(),
    });
    const headers = { connection: "close", "content-length": String(LargeAnswer.bytes) };
    return new Response(stream, { headers });
  };
}

Deno.test("an answer that nobody reads ends its connection (deno: it stays)", async () => {
  const large = new LargeAnswer();
  await using app = await openApp({ kind: "node", sendTimeoutMs: 200, answer: large.answer });
  using connection = await RawConnection.open(app.port);
  await connection.send(live);
  await connection.receive(/^HTTP/);
  await large.cancelled;
  assert.ok(large.madeBytes < LargeAnswer.bytes, "all of it was made for nobody");
});

Deno.test("of the long answers that nobody reads the oldest end where they take too much (deno: they stay)", async () => {
  const answers: LargeAnswer[] = [];
  await using app = await openApp({
    kind: "node",
    answer() {
      const large = new LargeAnswer();
      answers.push(large);
      return large.answer();
    },
  });
  const count = Math.floor(256 * mebibyte / LargeAnswer.bytes);
  using connections = new DisposableStack();
  for (let number = 0; number <= count; number++) {
    const connection = connections.use(await RawConnection.open(app.port));
    await connection.send(live);
    await connection.receive(/^HTTP/);
  }
  await within(answers[0]!.cancelled, "the end of the first answer");
  using connection = await RawConnection.open(app.port);
  await connection.send(live);
  assert.ok((await connection.receiveAll()).length > LargeAnswer.bytes);
});

Deno.test("a client that reads slowly gets its answer whole", async () => {
  const large = new LargeAnswer();
  await using app = await openApp({ kind: "node", sendTimeoutMs: 3_000, answer: large.answer });
  using connection = await RawConnection.open(app.port);
  await connection.send(live);
  for (let count = 0; count < 40; count++) {
    // Not a wait for an event: this client is slow.
    await new Promise((resolve) => setTimeout(resolve, 100));
    await connection.receiveMore(mebibyte / 2);
  }
  const { length } = await connection.receiveAll();
  assert.ok(length > LargeAnswer.bytes, `it got ${length} bytes`);
});

Deno.test("requests that are sent ahead without an end close their connection", async () => {
  await using app = await openApp({ kind: "node" });
  using connection = await RawConnection.open(app.port);
  await connection.send(post.repeat(1000));
  await connection.receiveAll();
  const { body } = await app.request("GET", "/jobs");
  assert.ok(body.jobs.length <= 33, `${body.jobs.length} requests were answered`);
});

Deno.test("a connection that was refused ends, also where its client does not end it (deno: it stays)", async () => {
  await using app = await openApp({ kind: "node", maxConnections: 1, headTimeoutMs: 200 });
  for (
    const [request, answer] of [
      ["?\r\n\r\n", /"reason":"invalid"/],
      [`CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n`, /"reason":"invalid"/],
      [`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, /"reason":"invalid"/],
      ["", /"reason":"timeout"/],
    ] as const
  ) {
    using refused = await RawConnection.open(app.port);
    await refused.send(request);
    assert.match(await refused.receiveAll(), answer);
    await eventually("room for another connection", async () => {
      using other = await RawConnection.open(app.port);
      await other.send(live.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).catch(() => {}); // It may be closed already.
      return /alive/.test(await other.receiveAll());
    });
  }
});

Deno.test("a client that sends on behind what is no request sees the answer (deno: it may not)", async () => {
  await using app = await openApp({ kind: "node" });
  for (
    const start of [
      "?\r\n\r\n",
      "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nX: ",
      `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ]
  ) {
    using connection = await RawConnection.open(app.port);
    const sending = connection.send(start).then(() => sendForever(connection, "x".repeat(65_536)));
    assert.match(await connection.receiveAll(), /^HTTP\/1\.1 400 [^]*"reason":"invalid"/);
    await sending;
  }
});

Deno.test("what cannot be read is refused behind the answers of the requests before it (deno: it may not be)", async () => {
  const answers = (count: number) => Array(count).fill("202").concat("400");
  for (
    const [requests, statuses] of [
      [`${post}?\r\n\r\n`, answers(1)],
      [`${post}${post}?\r\n\r\n`, answers(2)],
      [`${post}${post}${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, answers(2)],
      [`${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, answers(0)],
      [`${post.replace("Host", "Connection: close\r\nHost")}?\r\n\r\n`, ["202"]],
    ] as const
  ) {
    await using app = await openApp({ kind: "node" });
    using connection = await RawConnection.open(app.port);
    await connection.send(requests);
    const received = await connection.receiveAll();
    assert.deepEqual(received.match(/(?<=HTTP\/1\.1 )\d+/g), statuses, requests);
    const { body } = await app.request("GET", "/jobs");
    assert.equal(body.jobs.length, statuses.filter((status) => status === "202").length);
  }
});

Deno.test("connections above the limit are closed at once, and the others are served", async () => {
  await using logs = new CapturedLogs();
  await using app = await openApp({ kind: "node", maxConnections: 2 });
  using first = await RawConnection.open(app.port);
  using second = await RawConnection.open(app.port);
  for (const connection of [first, second]) {
    await connection.send(live);
    await connection.receive(/alive/);
  }
  for (let count = 0; count < 3; count++) {
    using third = await RawConnection.open(app.port);
    assert.equal(await third.receiveAll(), "");
  }
  await logs.waitFor({ level: "warn", max_connections: 2 });
  await first.send(live);
  await first.receive(/alive[^]*alive/);
  assert.equal(logs.lines.filter(({ level }) => level === "warn").length, 1);
});

Deno.test("node: a request that was sent before its client saw the end is answered, as the last one", async () => {
  await using app = await openApp({ kind: "node" });
  const connections = [await RawConnection.open(app.port), await RawConnection.open(app.port)];
  for (const connection of connections) {
    await connection.send(live);
    await connection.receive(/\r\n\r\n\{[^}]*\}$/);
    connection.received = "";
  }
  const [used, idle] = connections as [RawConnection, RawConnection];
  const closed = app.close();
  await used.send(live);
  assert.match(await used.receiveAll(), /^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/i);
  assert.equal(await idle.receiveAll(), "");
  await closed;
  await assert.rejects(RawConnection.open(app.port), Deno.errors.ConnectionRefused);
  for (const connection of connections) connection[Symbol.dispose]();
});

Deno.test("node: the answers under way when it closes end their connections", async () => {
  const { promise: isAsked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: answer, resolve } = Promise.withResolvers<Response>();
  await using app = await openApp({ kind: "node", answer: () => (ask(), answer) });
  using connection = await RawConnection.open(app.port);
  await connection.send(live);
  await isAsked;
  const closed = app.close();
  resolve(new Response("hello"));
  assert.match(
    await connection.receiveAll(),
    /^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n[^]*hello/i,
  );
  await closed;
});
