// Requests that no well-meant client sends, as bytes, against both listeners: none may store or delete a job by a
// trick, none may get a 500, and the node answers on. The last column is what Deno.serve does by itself where it
// holds less: it lets a missing Host through, and ends a connection with broken chunks without an answer.

import assert from "node:assert/strict";
import { skipOnOldRuntime } from "../testing/old_runtime.ts";
import { exchangeRaw } from "../testing/raw_exchange.ts";
import { startValet } from "../testing/start_valet.ts";

/** A name, the bytes, the status with both listeners; then that of `deno`, if it is another one. 0: no answer. */
type Case = readonly [
  name: string,
  bytes: string | ((host: string) => Uint8Array),
  status: number,
  ofDeno?: number,
];

const job = '{"name": "raw", "task_name": "dummytask"}';
const kib = 1024;

/** A request; `{host}` is replaced. Every head asks for the end of the connection. */
function request(line: string, headers: readonly string[] = [], body = ""): string {
  const lines = [line, "Host: {host}", "Connection: close", ...headers];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** One without a Host and whatever else is not given. */
function bare(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function post(headers: readonly string[], body: string): string {
  return request("POST /jobs HTTP/1.1", headers, body);
}

/** A POST whose body has that length in bytes. */
function postText(body: string, ...headers: readonly string[]): string {
  return post([`Content-Length: ${new TextEncoder().encode(body).length}`, ...headers], body);
}

function postChunks(chunks: string, ...headers: readonly string[]): string {
  return post(["Transfer-Encoding: chunked", ...headers], chunks);
}

/** A POST of a body that is no text. */
function postBytes(
  ...parts: readonly (string | readonly number[])[]
): (host: string) => Uint8Array {
  const bytes = parts.flatMap((part) =>
    typeof part === "string" ? [...new TextEncoder().encode(part)] : [...part]
  );
  const head = post([`Content-Length: ${bytes.length}`], "");
  return (host) => Uint8Array.from([...new TextEncoder().encode(fill(head, host)), ...bytes]);
}

const jobWithParams = (params: string) => job.replace("}", `, "task_params": ${params}}`);
const size = job.length.toString(16);

const framing: readonly Case[] = [
  ["Content-Length twice, equal", post(["Content-Length: 41", "Content-Length: 41"], job), 400],
  ["Content-Length twice, different", post(["Content-Length: 41", "Content-Length: 4"], job), 400],
  ["Content-Length as a list", post(["Content-Length: 41, 41"], job), 400],
  ["Content-Length with a sign", post(["Content-Length: +41"], job), 400],
  ["Content-Length below zero", post(["Content-Length: -1"], job), 400],
  ["Content-Length in hexadecimal", post(["Content-Length: 0x29"], job), 400],
  ["Content-Length with a fraction", post(["Content-Length: 41.0"], job), 400],
  ["Content-Length with an exponent", post(["Content-Length: 4e1"], job), 400],
  ["Content-Length that is empty", post(["Content-Length:"], job), 400],
  ["Content-Length beyond 64 bits", post(["Content-Length: 99999999999999999999"], job), 400],
  [
    "Content-Length beside chunks",
    postChunks(`${size}\r\n${job}\r\n0\r\n\r\n`, "Content-Length: 41"),
    400,
  ],
  ["a space before the colon", post(["Content-Length : 41"], job), 400],
  ["a transfer coding that is not known", post(["Transfer-Encoding: gzip, chunked"], ""), 400],
  ["chunked that is not the last coding", post(["Transfer-Encoding: chunked, identity"], ""), 400],
  ["chunked twice", post(["Transfer-Encoding: chunked, chunked"], "0\r\n\r\n"), 400],
  ["a misspelt chunked", post(["Transfer-Encoding: xchunked"], ""), 400],
  ["a chunk size that is no number", postChunks("zz\r\n"), 400, 0],
  ["a chunk size below zero", postChunks("-1\r\n"), 400, 0],
  ["a chunk size beyond 64 bits", postChunks("fffffffffffffffff\r\n"), 400, 0],
  ["a chunk longer than its size", postChunks(`2\r\n${job}\r\n0\r\n\r\n`), 400, 0],
  [
    "chunks with extension and trailer",
    postChunks(`${size};a=b\r\n${job}\r\n0\r\nX: y\r\n\r\n`),
    202,
  ],
  ["a head that is too large", request("GET /tasks HTTP/1.1", [`X: ${"x".repeat(96 * kib)}`]), 400],
  ["a path that is too long", request(`GET /${"x".repeat(96 * kib)} HTTP/1.1`), 400],
  ["a header without a colon", request("GET /tasks HTTP/1.1", ["nonsense"]), 400],
  ["a header with a zero byte", request("GET /tasks HTTP/1.1", ["X: a\0b"]), 400],
  ["a method that is none", request("G@T /tasks HTTP/1.1"), 400],
  ["a version that is none", request("GET /tasks HTTP/9.9"), 400],
  ["what is no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
];

const hosts: readonly Case[] = [
  ["no Host in HTTP/1.1", bare("GET /tasks HTTP/1.1", "Connection: close"), 400, 200],
  ["two Hosts", request("GET /tasks HTTP/1.1", ["Host: {host}"]), 400],
  ["a Host with a path, that POST makes a job", hostile("POST /health/live", "x/jobs?z="), 400],
  ["a Host with a path, that DELETE deletes", hostile("DELETE /health/live", "x/jobs/1?z="), 400],
  ["a Host with a fragment", hostile("GET /jobs", "x/health/live#"), 400],
  ["a Host with a user", hostile("GET /tasks", "user@{host}"), 400],
  ["a Host with a space", hostile("GET /tasks", "a b"), 400],
  ["a Host with a port that is none", hostile("GET /tasks", "127.0.0.1:99999"), 400],
  ["a Host of two", hostile("GET /tasks", "127.0.0.1, 127.0.0.1"), 400],
  ["a Host in brackets", hostile("GET /tasks", "[::1]:8080"), 200],
  ["the absolute form", request("GET http://{host}/tasks HTTP/1.1"), 200],
  ["the absolute form without a path", request("GET http://{host}?limit=1 HTTP/1.1"), 404],
  ["CONNECT", request("CONNECT {host} HTTP/1.1"), 400],
  ["a path that begins with two slashes", request("GET //tasks HTTP/1.1"), 404],
  ["a path with dots", request("GET /health/../jobs HTTP/1.1"), 400],
  ["a path with encoded dots", request("GET /health/%2e%2e/jobs HTTP/1.1"), 400],
  ["a path with a fragment", request("GET /tasks#x HTTP/1.1"), 400],
];

function hostile(line: string, host: string): string {
  return bare(`${line} HTTP/1.1`, `Host: ${host}`, "Connection: close");
}

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const large = "x".repeat(2 * kib * kib);

const bodies: readonly Case[] = [
  ["a body that is announced as too large", post(["Content-Length: 2097152"], ""), 413],
  ["a body that is too large", postText(large), 413],
  ["a body that is too large, in chunks", postChunks(`200000\r\n${large}\r\n0\r\n\r\n`), 413],
  [
    "a body for a path that is not there",
    request("POST /nowhere HTTP/1.1", ["Content-Length: 9"]),
    404,
  ],
  [
    "a body for a method that is not there",
    request("PUT /jobs HTTP/1.1", ["Content-Length: 9"]),
    405,
  ],
  ["more than 64 levels", postText(jobWithParams(`{"a": ${nested(64)}}`)), 400],
  ["more than 100,000 values", postText(jobWithParams(`{"a": [${"0,".repeat(100_000)}0]}`)), 400],
  ["a body without an end", postText("[".repeat(1000 * kib)), 400],
  ["no body", post(["Content-Length: 0"], ""), 400],
  ["a body in ISO 8859-1", postBytes(job.slice(0, 10), [0xe9], job.slice(10)), 400],
  ["a body with half a character", postBytes(job.slice(0, 10), [0xc3], job.slice(10)), 400],
  [
    "a body with an overlong character",
    postBytes(job.slice(0, 10), [0xc0, 0xaf], job.slice(10)),
    400,
  ],
  ["a compressed body", postText(job, "Content-Encoding: gzip"), 415],
  ["an identity body", postText(job, "Content-Encoding: identity"), 202],
  ["a number that overflows", postText(jobWithParams('{"n": 1e400}')), 400],
  ["a number that would change", postText(jobWithParams('{"n": 9007199254740993}')), 400],
  ["an ordinary job", postText(job), 202],
];

for (const listener of ["node", "deno"]) {
  const title = `raw requests with the listener ${listener} do only what they may`;
  const options = listener === "deno"
    ? skipOnOldRuntime(title, "Deno.serve lets doubtful framing through there")
    : { name: title };
  Deno.test(options, async () => {
    await using valet = await startValet({ config: { server: { listener } } });
    const { api, process } = valet;
    const host = new URL(api.baseUrl).host;
    const seen: Record<string, number> = {};
    const expected: Record<string, number> = {};
    for (const [name, bytes, status, ofDeno = status] of [...framing, ...hosts, ...bodies]) {
      const sent = typeof bytes === "string" ? fill(bytes, host) : bytes(host);
      const answer = await exchangeRaw(api.baseUrl, sent);
      seen[name] = answer.status;
      expected[name] = listener === "deno" ? ofDeno : status;
      // Deno.serve gives no body to what it refuses by itself.
      if (answer.body === "" && listener === "deno") continue;
      assert.doesNotMatch(answer.body, /^\s+at /m, name);
      assert.match(answer.head, /^content-type: application\/json/m, name);
      assert.match(answer.head, /^x-content-type-options: nosniff$/m, name);
      if (answer.status !== 400) continue;
      assert.match(answer.body, /"code":400,"reason":"invalid","message":"Cannot /, name);
    }
    assert.deepEqual(seen, expected);
    const accepted = Object.values(expected).filter((status) => status === 202).length;
    const { body } = await api.request("GET", "/jobs");
    assert.equal(body.jobs.length, accepted, "jobs were stored by requests that were refused");
    const problems = process.log.filter(({ level }) => level === "error" || level === "fatal");
    assert.deepEqual(problems, []);
  });
}

/** The text with the host and port of the server in it. */
function fill(text: string, host: string): string {
  return text.replaceAll("{host}", host);
}
