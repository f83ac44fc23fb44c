import assert from "node:assert/strict";
import { ValetError } from "../../../src/errors.ts";
import type { Context } from "hono";
import { type BodyLimits, createBodyReader } from "../../../src/http/request_body.ts";
import { skipOnOldRuntime } from "../../testing/old_runtime.ts";
import { makeApp, type TestAppOptions } from "../../testing/make_app.ts";
import { serve } from "../../testing/serve.ts";

const encoder = new TextEncoder();
const limits = { maxBytes: 20, timeoutMs: 10_000 };

/** A request with a body of known length, or with a stream of which the length is not known. */
function makeRequest(body: BodyInit | null, length?: number): Request {
  const headers: HeadersInit = length === undefined ? {} : { "content-length": String(length) };
  return new Request("http://a/", { method: "POST", body, headers });
}

function contextOf(request: Request): Context {
  return { req: { raw: request } } as unknown as Context;
}

function streamOf(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks.map((chunk) => encoder.encode(chunk)));
}

/** A connection to an app on a real server, on which a test speaks HTTP by itself. */
interface Wire {
  send(text: string): Promise<void>;
  /** Reads until that text has come. */
  receive(text: string): Promise<string>;
  close(): void;
  /** The status of the oldest request that was not asked for yet, once its answer is made. */
  nextStatus(): Promise<number>;
}

async function withWire(
  options: TestAppOptions,
  use: (wire: Wire) => Promise<void>,
): Promise<void> {
  const { fetch } = await makeApp(options);
  const answers: Promise<Response>[] = [];
  let tellArrival = Promise.withResolvers<void>();
  const handler = (request: Request) => {
    const answer = Promise.resolve(fetch(request));
    answers.push(answer);
    // What nobody has read is the business of the listener.
    void answer.then(() => request.body?.cancel()).catch(() => {});
    tellArrival.resolve();
    return answer;
  };
  await serve(handler, async (url) => {
    const { hostname, port } = new URL(url);
    using connection = await Deno.connect({ hostname, port: Number(port) });
    const decoder = new TextDecoder();
    let received = "";
    await use({
      async send(text) {
        const bytes = encoder.encode(text);
        for (let sent = 0; sent < bytes.length;) {
          sent += await connection.write(bytes.subarray(sent));
        }
      },
      async receive(text) {
        const buffer = new Uint8Array(65_536);
        while (!received.includes(text)) {
          const count = await connection.read(buffer);
          if (count === null) throw new Error(`the server closed after: ${received}`);
          received += decoder.decode(buffer.subarray(0, count), { stream: true });
        }
        return received;
      },
      close: () => connection.close(),
      async nextStatus() {
        while (answers.length === 0) await tellArrival.promise;
        tellArrival = Promise.withResolvers();
        return (await answers.shift()!).status;
      },
    });
  });
}

const head = "POST /jobs HTTP/1.1\r\nHost: localhost\r\n";
const chunkedHead = `${head}Transfer-Encoding: chunked\r\n\r\n`;
const job = JSON.stringify({ name: "a job", task_name: "dummytask" });

/** A reader that gives what it has read. */
function createReader(limits: BodyLimits) {
  const useBody = createBodyReader(limits);
  return (request: Request) => useBody(contextOf(request), ({ value }) => Promise.resolve(value));
}

Deno.test("createBodyReader reads an object of known or unknown length", async () => {
  const read = createReader(limits);
  assert.deepEqual(await read(makeRequest('{"a":1}', 7)), { a: 1 });
  assert.deepEqual(await read(makeRequest('{"a":1}')), { a: 1 });
  assert.deepEqual(await read(makeRequest(streamOf('{"a"', ":", "1}"))), { a: 1 });
});

Deno.test("createBodyReader puts characters together that came in two parts", async () => {
  const bytes = encoder.encode('{"a":"\u20ac"}');
  const parts = ReadableStream.from([bytes.slice(0, 7), bytes.slice(7)]);
  assert.deepEqual(await createReader(limits)(makeRequest(parts)), { a: "\u20ac" });
});

Deno.test("createBodyReader reads a body of ten thousand single bytes, and of larger parts any number", async () => {
  const read = createReader({ maxBytes: 2_000_000, timeoutMs: 10_000 });
  const bytes = [...`{"a":"${"b".repeat(9_992)}"}`];
  assert.deepEqual(await read(makeRequest(streamOf(...bytes))), { a: "b".repeat(9_992) });
  await assert.rejects(
    read(makeRequest(streamOf(...bytes, " "))),
    /more than 10000 chunks of less than 64/,
  );
  const parts = Array.from({ length: 20_000 }, () => "c".repeat(65));
  assert.deepEqual(await read(makeRequest(streamOf('{"a":"', ...parts, '"}'))), {
    a: parts.join(""),
  });
});

Deno.test("createBodyReader takes a body of the largest size and refuses a byte more", async () => {
  const read = createReader(limits);
  for (const [size, isTaken] of [[20, true], [21, false]] as const) {
    const body = `{"a":"${"x".repeat(size - 8)}"}`;
    for (
      const request of [
        makeRequest(body, size),
        makeRequest(body),
        makeRequest(streamOf(...body)),
      ]
    ) {
      const reading = read(request);
      if (isTaken) assert.ok(await reading);
      else {
        await assert.rejects(reading, (error) => {
          assert.ok(error instanceof ValetError);
          assert.equal(error.code, "too_large");
          assert.match(error.message, /at most 20 bytes are allowed/);
          return true;
        });
      }
    }
  }
});

Deno.test("createBodyReader reads no further than the limit", async () => {
  let chunkCount = 0;
  const endless = new ReadableStream({
    pull(controller) {
      chunkCount++;
      controller.enqueue(encoder.encode("xxxxx"));
    },
  }, { highWaterMark: 0 });
  await assert.rejects(createReader(limits)(makeRequest(endless)), { code: "too_large" });
  assert.equal(chunkCount, 5);
});

const mebibyte = 1024 * 1024;
const textOf = (bytes: number) => `{"a":"${"x".repeat(bytes - 8)}"}`;

Deno.test("createBodyReader bounds what the large bodies of requests under way take, and nothing else", async () => {
  const useBody = createBodyReader({ maxBytes: mebibyte, timeoutMs: 10_000 });
  const answered = Promise.withResolvers<void>();
  const hold = (request: Request) => useBody(contextOf(request), () => answered.promise);
  const large = textOf(mebibyte);
  const held = Array.from({ length: 64 }, () => hold(makeRequest(large)));
  // All 64 have arrived when a later one of no bytes has been read.
  await assert.rejects(hold(makeRequest("")), { code: "invalid_argument" });
  await assert.rejects(hold(makeRequest(large)), { code: "overloaded", message: /67108864 bytes/ });
  const small = useBody(contextOf(makeRequest(textOf(65_536))), () => Promise.resolve("small"));
  assert.equal(await small, "small");
  answered.resolve();
  await Promise.all(held);
  await hold(makeRequest(large));
});

Deno.test("createBodyReader parses no two large bodies in one turn of the event loop", async () => {
  const useBody = createBodyReader({ maxBytes: 1_000_000, timeoutMs: 10_000 });
  let turn = 0;
  let timer = setTimeout(function tick() {
    turn++;
    timer = setTimeout(tick);
  });
  const body = `{"a":"${"b".repeat(100_000)}"}`;
  const read = () => useBody(contextOf(makeRequest(body)), () => Promise.resolve(turn));
  const turns = await Promise.all([read(), read(), read()]);
  clearTimeout(timer);
  assert.equal(new Set(turns).size, 3, `in the turns ${turns}`);
});

Deno.test("createBodyReader gives no share to bytes that were announced and do not come", async () => {
  const useBody = createBodyReader({ maxBytes: mebibyte, timeoutMs: 50 });
  const silent = () => new ReadableStream<Uint8Array>();
  const announced = Array.from({ length: 200 }, () => {
    const use = () => Promise.resolve();
    return assert.rejects(useBody(contextOf(makeRequest(silent(), mebibyte)), use), {
      code: "timeout",
    });
  });
  const use = () => Promise.resolve("read");
  assert.equal(await useBody(contextOf(makeRequest(textOf(mebibyte))), use), "read");
  await Promise.all(announced);
});

Deno.test("createBodyReader counts what comes, whatever length was announced", async () => {
  for (const length of ["7, 7", "NaN", "-1", "0", "1e1", "", "0x10"]) {
    const read = createReader(limits);
    const request = (body: BodyInit) =>
      new Request("http://a/", { method: "POST", body, headers: { "content-length": length } });
    assert.deepEqual(await read(request('{"a":1}')), { a: 1 }, length);
    await assert.rejects(read(request(textOf(21))), { code: "too_large" }, length);
    // The reader is as it was: nothing has made a counter useless.
    assert.deepEqual(await read(request('{"a":1}')), { a: 1 }, length);
  }
});

Deno.test("createBodyReader refuses a deep body and one of many values before all of it has come", async () => {
  const read = createReader({ maxBytes: 64 * mebibyte, timeoutMs: 10_000 });
  for (
    const [part, message] of [
      ["[],[],", /more than the 100000 values allowed$/],
      ['{"a":', /nested deeper than the 64 levels allowed$/],
    ] as const
  ) {
    let parts = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        parts++;
        controller.enqueue(encoder.encode((parts === 1 ? "[" : "") + part.repeat(10)));
      },
    }, { highWaterMark: 0 });
    await assert.rejects(read(makeRequest(endless)), { code: "invalid_argument", message });
    assert.ok(parts <= 5000, `${parts} parts were read`);
  }
});

Deno.test("createBodyReader refuses a body that is not UTF-8", async () => {
  const read = createReader(limits);
  const message = "Cannot read the body: it is not UTF-8";
  const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  for (
    const text of [
      '{"a":"caf\xe9"}',
      '{"a":"\xff"}',
      '{"a":"\xc0\xaf"}',
      '{"\xed\xa0\x80":1}',
      "{}\xe2\x82",
    ]
  ) {
    const request = makeRequest(latin1(text));
    await assert.rejects(read(request), { code: "invalid_argument", message }, text);
  }
});

Deno.test("createBodyReader refuses a compressed body, and reads one that is said to be as it is", async () => {
  const read = createReader(limits);
  const request = (coding: string) =>
    new Request("http://a/", {
      method: "POST",
      body: "{}",
      headers: { "content-encoding": coding },
    });
  for (const coding of ["gzip", "br", "identity, gzip", "unknown"]) {
    await assert.rejects(read(request(coding)), {
      code: "unsupported",
      message: `Cannot read the body: its Content-Encoding is "${coding}"; ` +
        "a body that is not compressed is allowed",
    });
  }
  for (const coding of ["identity", "Identity", ""]) {
    assert.deepEqual(await read(request(coding)), {});
  }
});

Deno.test("createBodyReader tells of numbers that were changed", async () => {
  const useBody = createBodyReader({ maxBytes: 99, timeoutMs: 10_000 });
  const body = '{"task_params":{"n":[9007199254740993]},"timeout":1}';
  const changed = await useBody(contextOf(makeRequest(body)), (body) => {
    return Promise.resolve(body.changedNumbers);
  });
  assert.deepEqual(changed.map(({ path }) => path), ["task_params.n[0]"]);
});

Deno.test("createBodyReader refuses what is no JSON object, and says what it is", async () => {
  const problems: readonly (readonly [body: string, problem: RegExp])[] = [
    ["", /: it is empty; an object is allowed$/],
    [" ", /: it is no JSON: Unexpected end of JSON input; an object is allowed$/],
    ["\ufeff{}", /: it begins with a byte order mark; send it without one$/],
    ["x", /: it is no JSON: Unexpected token 'x', "x" is not valid JSON; an object is allowed$/],
    ['{"a": 1,}', /: it is no JSON: .*at position 8/],
    ["[]", /: it is an array;/],
    ["null", /: it is null;/],
    ['"a"', /: it is a string;/],
    ["7", /: it is a number;/],
  ];
  const read = createReader(limits);
  for (const [body, message] of problems) {
    for (const length of [undefined, body.length]) {
      const reading = read(makeRequest(body === "" ? null : body, length));
      await assert.rejects(reading, { code: "invalid_argument", message });
    }
  }
});

Deno.test("createBodyReader gives up a body whose time is over, and no other", async () => {
  const read = createReader({ maxBytes: 20, timeoutMs: 30 });
  const slow = [0, 1].map(() => read(makeRequest(new ReadableStream())));
  assert.deepEqual(await read(makeRequest(streamOf("{}"))), {});
  for (const reading of slow) {
    await assert.rejects(reading, { code: "timeout", message: /did not arrive within 30 ms$/ });
  }
});

Deno.test("createBodyReader makes a stream that breaks off an error of the client", async () => {
  const broken = new ReadableStream({
    start(controller) {
      controller.error(new Error("reset"));
    },
  });
  await assert.rejects(createReader(limits)(makeRequest(broken)), {
    code: "invalid_argument",
    message: "Cannot read the body: the connection broke off",
  });
});

const dribbles = "a body that dribbles is answered with 408";
Deno.test(skipOnOldRuntime(dribbles, "Deno.serve leaves a read behind", "2.9.6"), async () => {
  for (
    const [start, more] of [
      [`${head}Content-Length: 100\r\n\r\n`, "{"],
      [chunkedHead, "1\r\n{\r\n"],
    ] as const
  ) {
    await withWire({ bodyTimeoutMs: 50 }, async ({ send, receive }) => {
      await send(start);
      await send(more);
      const answer = await receive("}");
      assert.match(answer, /^HTTP\/1.1 408 Request Timeout\r\n/);
      assert.match(answer, /\r\nconnection: close\r\n/);
      assert.match(
        answer,
        /\{"error":true,"code":408,"reason":"timeout","message":"[^"]*within 50 ms"\}$/,
      );
    });
  }
});

Deno.test("a body that comes in parts, but in time, is read", async () => {
  await withWire({}, async ({ send, receive }) => {
    const half = job.length >> 1;
    await send(`${head}Content-Length: ${job.length}\r\n\r\n${job.slice(0, half)}`);
    await send(job.slice(half));
    assert.match(await receive("}"), /^HTTP\/1.1 202 Accepted\r\n/);
  });
});

Deno.test("a body with a byte order mark is refused with a message that names the mark", async () => {
  await withWire({}, async ({ send, receive }) => {
    const marked = `\ufeff${job}`;
    await send(`${head}Content-Length: ${encoder.encode(marked).length}\r\n\r\n${marked}`);
    assert.match(
      await receive("}"),
      /400 Bad Request.*it begins with a byte order mark/s,
    );
  });
});

Deno.test("a body that is announced as too large is answered with 413 before it comes", async () => {
  await withWire({ maxBodyBytes: 99 }, async ({ send, receive }) => {
    await send(`${head}Content-Length: 100\r\n\r\n`);
    assert.match(await receive("}"), /^HTTP\/1.1 413 Payload Too Large\r\n.*"code":413/s);
  });
});

Deno.test("a chunked body that grows too large is answered with 413", async () => {
  await withWire({ maxBodyBytes: 99 }, async ({ send, receive }) => {
    await send(chunkedHead);
    for (let count = 0; count < 4; count++) await send(`19\r\n${"x".repeat(25)}\r\n`);
    assert.match(await receive("}"), /^HTTP\/1.1 413 Payload Too Large\r\n.*"code":413/s);
  });
});

Deno.test("a client that goes away within its body harms nobody", async () => {
  for (const start of [`${head}Content-Length: 100\r\n\r\n{`, `${chunkedHead}1\r\n{\r\n`]) {
    await withWire({}, async ({ send, close, nextStatus }) => {
      await send(start);
      close();
      assert.equal(await nextStatus(), 400);
    });
  }
});

Deno.test("requests on one connection are answered one after the other", async () => {
  await withWire({}, async ({ send, receive, nextStatus }) => {
    const request = `${head}Content-Length: ${job.length}\r\n\r\n${job}`;
    await send(request + request + "GET /jobs?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert.equal(await nextStatus(), 202);
    assert.equal(await nextStatus(), 202);
    assert.equal(await nextStatus(), 200);
    assert.match(await receive("next_cursor"), /HTTP\/1.1 200 OK/);
  });
});
