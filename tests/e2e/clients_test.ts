// Real clients against both listeners: those that this machine has, each with its defaults, and the heads of some that
// it lacks, as they send them. Where a client works with one listener alone, `exceptions` says so.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { hasProgram } from "../testing/needs.ts";
import { skipOnOldRuntime } from "../testing/old_runtime.ts";
import { exchangeRaw } from "../testing/raw_exchange.ts";
import { startValet } from "../testing/start_valet.ts";

const listeners = ["node", "deno"] as const;
type Listener = typeof listeners[number];

/** What a client did, by name, and the status that it saw, or its error. */
type Steps = Readonly<Record<string, number | string>>;

interface Client {
  readonly name: string;
  readonly program: string;
  /** It prints its steps as JSON. */
  readonly args: (baseUrl: string) => readonly string[];
  /** What it does, and what it must see. */
  readonly steps: Steps;
  /** What it offers that an old runtime does not answer. */
  readonly offers?: string;
}

const fixture = (name: string) => fileURLToPath(import.meta.resolve(`../fixtures/clients/${name}`));
const common = { get: 200, head: 200, post: 202, chunked: 202, patch: 204, delete: 204 };
const all: Steps = { ...common, expect: 202, large: 413 };
const job = JSON.stringify({ name: "client", task_name: "dummytask" });

const clients: readonly Client[] = [
  {
    name: "Java's HttpClient",
    program: "java",
    args: (url) => [fixture("Client.java"), url],
    steps: all,
    offers: "HTTP/2",
  },
  { name: "Go", program: "go", args: (url) => ["run", fixture("client.go"), url], steps: all },
  {
    name: "Python's http.client",
    program: "python3",
    args: (url) => [fixture("client.py"), url],
    steps: { ...common, large: 413 },
  },
  { name: "Node", program: "node", args: (url) => [fixture("client.mjs"), url], steps: all },
  {
    name: "Deno",
    program: Deno.execPath(),
    args: (url) => ["run", "--quiet", "--allow-net", "--no-prompt", fixture("client.mjs"), url],
    steps: all,
  },
];

/** curl, by its arguments behind `curl --data JOB URL`. */
const curls: Readonly<Record<string, readonly string[]>> = {
  "HTTP/1.1": ["--http1.1"],
  "HTTP/1.0": ["--http1.0"],
  "HTTP/2, offered": ["--http2"],
  "HTTP/2 at once": ["--http2-prior-knowledge"],
  "Expect": ["--http1.1", "--header", "Expect: 100-continue"],
  "chunks": ["--http1.1", "--header", "Transfer-Encoding: chunked"],
  "Expect and chunks": [
    "--http1.1",
    "--header",
    "Transfer-Encoding: chunked",
    "--header",
    "Expect: 100-continue",
  ],
};

/** What clients see with one listener alone, and why. */
const exceptions: Readonly<Record<Listener, Readonly<Record<string, Steps>>>> = {
  node: {
    // node:http speaks no HTTP/2; a proxy translates it.
    "curl": { "HTTP/2 at once": 0 },
  },
  deno: {
    // Deno.serve refuses every request with an offer of an upgrade and ends its connection: a client that still
    // sends its chunks sees the 400 or the end.
    "Java's HttpClient": { get: 400, head: 400, post: 400, patch: 400, delete: 400 },
    "curl": { "HTTP/2, offered": 400 },
  },
};

/** The log of the server is read during the steps: only the test as a whole is checked for leaks. */
const unsanitized = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

async function run(program: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    // Go must fetch nothing.
    env: { GOTOOLCHAIN: "local", GOPROXY: "off", GOFLAGS: "", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout);
  if (text === "") throw new Error(`${program} printed nothing: ${decoder.decode(stderr)}`);
  return text;
}

/** The status that curl saw. */
async function curl(args: readonly string[]): Promise<number> {
  const output = ["--silent", "--max-time", "30", "--output", "/dev/null", "--write-out"];
  return Number(await run("curl", [...output, "%{http_code}", ...args]));
}

/** Clients and probes that are seldom on a test machine: the head of a request of each, without its Host. */
const heads: Readonly<Record<string, readonly string[]>> = {
  "a browser": [
    "POST /api/jobs HTTP/1.1",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="126", "Not/A)Brand";v="8"',
    "sec-ch-ua-mobile: ?0",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Content-Type: application/json",
    "Accept: */*",
    "Origin: http://{host}",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Dest: empty",
    "Referer: http://{host}/",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-GB,en;q=0.9",
  ],
  ".NET's HttpClient": [
    "POST /jobs HTTP/1.1",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    "Content-Type: application/json; charset=utf-8",
  ],
  "Apache HttpClient 5": [
    "POST /jobs HTTP/1.1",
    "Accept-Encoding: gzip, x-gzip, deflate",
    "Content-Type: application/json; charset=UTF-8",
    "Connection: keep-alive",
    "User-Agent: Apache-HttpClient/5.3.1 (Java/17.0.11)",
  ],
  "OkHttp": [
    "POST /jobs HTTP/1.1",
    "Content-Type: application/json; charset=utf-8",
    "Connection: Keep-Alive",
    "Accept-Encoding: gzip",
    "User-Agent: okhttp/4.12.0",
  ],
  "Ruby's Net::HTTP": [
    "POST /jobs HTTP/1.1",
    "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
    "Accept: */*",
    "User-Agent: Ruby",
    "Content-Type: application/x-www-form-urlencoded",
  ],
  "PHP's streams": [
    "POST /jobs HTTP/1.0",
    "Connection: close",
    "Content-Type: application/x-www-form-urlencoded",
  ],
  "reqwest": ["POST /jobs HTTP/1.1", "content-type: application/json", "accept: */*"],
  "requests": [
    "POST /jobs HTTP/1.1",
    "User-Agent: python-requests/2.32.3",
    "Accept-Encoding: gzip, deflate",
    "Accept: */*",
    "Connection: keep-alive",
    "Content-Type: application/json",
  ],
  "Wget": [
    "POST /jobs HTTP/1.1",
    "User-Agent: Wget/1.21.3",
    "Accept: */*",
    "Accept-Encoding: identity",
    "Connection: Keep-Alive",
    "Content-Type: application/x-www-form-urlencoded",
  ],
  "ApacheBench": [
    "POST /jobs HTTP/1.0",
    "Connection: Keep-Alive",
    "Content-type: text/plain",
    "User-Agent: ApacheBench/2.3",
    "Accept: */*",
  ],
  "nginx": ["POST /jobs HTTP/1.0", "Connection: close", "Content-Type: application/json"],
  "HAProxy": [
    "POST /jobs HTTP/1.1",
    "content-type: application/json",
    "x-forwarded-for: 127.0.0.1",
  ],
};

/** The same of what asks whether a server lives. */
const probes: Readonly<Record<string, string>> = {
  "Kubernetes": "GET /health/ready HTTP/1.1\r\nHost: {host}\r\nUser-Agent: kube-probe/1.30\r\n" +
    "Accept: */*\r\nConnection: close\r\n\r\n",
  "an AWS load balancer": "GET /health/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n" +
    "User-Agent: ELB-HealthChecker/2.0\r\nAccept-Encoding: gzip, compressed\r\n\r\n",
};

for (const listener of listeners) {
  const title = `clients are served by the listener ${listener}`;
  const options = listener === "deno"
    ? skipOnOldRuntime(title, "Deno.serve answers offers of an upgrade there")
    : { name: title };
  Deno.test(options, async (test) => {
    await using valet = await startValet({ config: { server: { listener } } });
    const { baseUrl } = valet.api;
    const { host } = new URL(baseUrl);
    const fill = (text: string) => text.replaceAll("{host}", host);

    /** A step with a program; it is ignored, with the reason in its name, where it cannot be. */
    const stepWith = (
      { name, program, offers }: Pick<Client, "name" | "offers"> & { program?: string },
      fn: () => Promise<void>,
    ) => {
      const isMissing = program !== undefined && !hasProgram(program);
      const reason = isMissing ? ` (ignored: this machine has no ${program})` : "";
      const { name: title, ignore } = offers !== undefined && listener === "node"
        ? skipOnOldRuntime(name, `node:http does not answer a request that offers ${offers}`)
        : { name, ignore: false };
      return test.step({ name: title + reason, ignore: ignore || isMissing, fn, ...unsanitized });
    };

    for (const client of clients) {
      await stepWith(client, async () => {
        const seen: Steps = JSON.parse(await run(client.program, client.args(baseUrl)));
        const expected = exceptions[listener][client.name] ?? client.steps;
        const known = Object.keys(expected).map((step) => [step, seen[step]]);
        assert.deepEqual(Object.fromEntries(known), expected);
      });
    }

    await stepWith({ name: "curl", program: "curl", offers: "HTTP/2" }, async () => {
      const seen: Record<string, number> = {};
      const expected: Record<string, number | string> = {};
      for (const [name, args] of Object.entries(curls)) {
        seen[name] = await curl(["--data", job, ...args, `${baseUrl}/jobs`]);
        expected[name] = exceptions[listener]["curl"]?.[name] ?? 202;
      }
      assert.deepEqual(seen, expected);
    });

    await stepWith({ name: "clients and probes that are seldom here" }, async () => {
      for (const [name, [line, ...headers]] of Object.entries(heads)) {
        const length = `Content-Length: ${job.length}`;
        const head = [line, `Host: ${host}`, ...headers, length].join("\r\n");
        const { status, body } = await exchangeRaw(baseUrl, `${fill(head)}\r\n\r\n${job}`);
        assert.equal(status, 202, `${name}: ${body}`);
      }
      for (const [name, head] of Object.entries(probes)) {
        assert.equal((await exchangeRaw(baseUrl, fill(head))).status, 200, name);
      }
    });

    await test.step({
      ...skipOnOldRuntime("HTTP/1.0 without a Host, as HAProxy asks", "1.0 looks like 1.1 there"),
      ...unsanitized,
      async fn() {
        const answer = await exchangeRaw(baseUrl, "GET /health/live HTTP/1.0\r\n\r\n");
        assert.equal(answer.status, 200);
      },
    });

    await test.step({
      name: "a client that half-closes",
      // The reason: Deno.serve may drop an answer that is not made in the same turn of its event loop.
      ignore: listener === "deno",
      ...unsanitized,
      async fn() {
        const head = `Host: ${host}\r\nConnection: close`;
        for (
          const [request, status] of [
            [`GET /tasks HTTP/1.1\r\n${head}\r\n\r\n`, 200],
            [`POST /jobs HTTP/1.1\r\n${head}\r\nContent-Length: ${job.length}\r\n\r\n${job}`, 202],
          ] as const
        ) {
          const answer = await exchangeRaw(baseUrl, request, { halfCloses: true });
          assert.equal(answer.status, status, request);
        }
      },
    });
  });
}
