import assert from "node:assert/strict";
import { ValetError } from "../../../src/errors.ts";
import {
  type BodyLimits,
  BodyTimeoutError,
  createBodyReader,
} from "../../../src/http/request_body.ts";
import { makeApp, type TestAppOptions } from "../../testing/make_app.ts";
import { serve } from "../../testing/serve.ts";

const encoder = new TextEncoder();
const limits = { maxBytes: 20, timeoutMs: 10_000 };

/** A request with a body of known length, or with a stream of which the length is not known. */
function makeRequest(body: BodyInit | null, length?: number): Request {
  const headers: HeadersInit = length === undefined ? {} : { "content-length": String(length) };
  return new Request("http://a/", { method: "POST", body, headers });
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

const head = "POST /jobs HTTP/1.1\r\nHost: a\r\n";
const chunkedHead = `${head}Transfer-Encoding: chunked\r\n\r\n`;
const job = JSON.stringify({ name: "a job", task_name: "dummytask" });

/** A reader that gives what it has read. */
function createReader(limits: BodyLimits) {
  const useBody = createBodyReader(limits);
  return (request: Request) => useBody(request, (body) => Promise.resolve(body));
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

Deno.test("createBodyReader bounds what the large bodies of requests under way take, and nothing else", async () => {
  const bytes = 1024 * 1024;
  const useBody = createBodyReader({ maxBytes: bytes, timeoutMs: 10_000 });
  const answered = Promise.withResolvers<void>();
  const hold = () => useBody(makeRequest("{}", bytes), () => answered.promise);
  const held = Array.from({ length: 64 }, hold);
  await assert.rejects(hold(), { code: "unavailable", message: /67108864 bytes/ });
  await assert.rejects(useBody(makeRequest("{}"), () => answered.promise), { code: "unavailable" });
  assert.equal(await useBody(makeRequest("{}", 65_536), () => Promise.resolve("small")), "small");
  answered.resolve();
  await Promise.all(held);
  await hold();
});

Deno.test("createBodyReader refuses what is no JSON object, and says what it is", async () => {
  const problems: readonly (readonly [body: string, problem: RegExp])[] = [
    ["", /: it is empty; an object is allowed$/],
    [" ", /: it is no JSON: Unexpected end of JSON input; an object is allowed$/],
    ["\ufeff{}", /: it is no JSON: Unexpected token 'U\+FEFF', "U\+FEFF\{\}" is not valid JSON;/],
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
  let wasCancelled = false;
  const silent = () =>
    new ReadableStream<Uint8Array>({
      cancel() {
        wasCancelled = true;
      },
    });
  const slow = [read(makeRequest(silent())), read(makeRequest(silent()))];
  assert.deepEqual(await read(makeRequest(streamOf("{}"))), {});
  for (const reading of slow) await assert.rejects(reading, BodyTimeoutError);
  assert.ok(wasCancelled);
  // The timer is armed anew for whoever comes later.
  await assert.rejects(read(makeRequest(silent())), /it did not arrive within 30 ms/);
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

Deno.test("a body that dribbles is answered with 408", async () => {
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

Deno.test({
  name: "a body with a byte order mark is refused with a message that shows the mark",
  // The reason: the oldest Deno takes the mark away before anybody sees it.
  ignore: Deno.version.deno.startsWith("2.7."),
  async fn() {
    await withWire({}, async ({ send, receive }) => {
      const marked = `\ufeff${job}`;
      await send(`${head}Content-Length: ${encoder.encode(marked).length}\r\n\r\n${marked}`);
      assert.match(
        await receive("allowed"),
        /400 Bad Request.*no JSON: Unexpected token 'U\+FEFF'/s,
      );
    });
  },
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
    await send(request + request + "GET /jobs?limit=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert.equal(await nextStatus(), 202);
    assert.equal(await nextStatus(), 202);
    assert.equal(await nextStatus(), 200);
    assert.match(await receive("next_cursor"), /HTTP\/1.1 200 OK/);
  });
});
