import assert from "node:assert/strict";
import { ValetError } from "../../../src/errors.ts";
import { createOriginRules } from "../../../src/http/origin_rules.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { makeApp } from "../../testing/make_app.ts";

interface Rules {
  readonly host?: string;
  readonly hosts?: readonly string[];
  readonly corsOrigins?: readonly string[];
}

/** Why a request is refused; undefined: it is not. */
function refusal(
  rules: Rules,
  method: string,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  const check = createOriginRules({ host: "127.0.0.1", hosts: [], corsOrigins: [], ...rules });
  try {
    check(new Request("http://localhost/jobs", { method, headers }));
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ValetError);
    assert.equal(error.code, "forbidden");
    return error.message;
  }
}

const hostCases: readonly [rules: Rules, accepted: string[], refused: string[]][] = [
  [{}, [
    "127.0.0.1",
    "127.0.0.1:8080",
    "127.0.0.1:1",
    "localhost",
    "LOCALHOST:8080",
    "[::1]",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]:80",
  ], [
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example:8080",
    "127.0.0.2",
    "127.1",
    "0.0.0.0",
    "10.0.0.1",
    "[::2]",
    "localhost, evil.example",
    "localhost/jobs?z=",
    "",
  ]],
  [{ host: "::1", hosts: ["Valet.example", "fd00::0001"] }, [
    "[::1]:8080",
    "localhost",
    "valet.example",
    "VALET.example:443",
    "[fd00::1]:8080",
  ], ["a.valet.example", "valet.example.evil.example", "[fd00::2]"]],
  [{ host: "127.0.0.5" }, ["127.0.0.5:8080", "127.0.0.1"], ["127.0.0.6"]],
  [{ host: "localhost" }, ["localhost:8080", "127.0.0.1"], ["evil.example"]],
  // Beyond loopback Valet does not know its names.
  [{ host: "0.0.0.0", hosts: ["valet.example"] }, ["evil.example", "10.0.0.1:8080"], []],
  [{ host: "::" }, ["evil.example", "[fd00::1]"], []],
];

for (const [rules, accepted, refused] of hostCases) {
  Deno.test(`createOriginRules looks at Host with ${JSON.stringify(rules)}`, () => {
    for (const method of ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PROPFIND"]) {
      for (const host of accepted) {
        assert.equal(refusal(rules, method, { host }), undefined, `${method} ${host}`);
      }
      for (const host of refused) {
        assert.match(refusal(rules, method, { host }) ?? "", /^Cannot answer a request whose Host/);
      }
    }
  });
}

Deno.test("createOriginRules lets a request without Host pass, as of HTTP/1.0", () => {
  assert.equal(refusal({}, "GET", {}), undefined);
  assert.equal(refusal({}, "POST", {}), undefined);
});

Deno.test("createOriginRules says which Host is allowed", () => {
  assert.equal(
    refusal({}, "GET", { host: "evil.example:8080" }),
    'Cannot answer a request whose Host is "evil.example:8080": server.host is 127.0.0.1, so Host ' +
      "must be 127.0.0.1, localhost, [::1] or an entry of server.hosts, with any port",
  );
});

const host = "valet.example:8080";
const own = "http://valet.example:8080";
const open: Rules = { host: "0.0.0.0" };
const listed: Rules = { host: "0.0.0.0", corsOrigins: ["https://a.example"] };
const any: Rules = { host: "0.0.0.0", corsOrigins: ["*"] };
const site = (name: string) => ({ "sec-fetch-site": name });

const originCases: readonly [
  rules: Rules,
  headers: Readonly<Record<string, string>>,
  isAccepted: boolean,
][] = [
  // Programs.
  [open, { host }, true],
  [open, {}, true],
  // Valet's own pages, also behind a proxy that speaks TLS and passes on the Host of the browser.
  [open, { host, origin: own }, true],
  [open, { host, origin: own, ...site("same-origin") }, true],
  [open, { host, origin: "https://VALET.example:8080" }, true],
  [open, { host: "valet.example", origin: "https://valet.example" }, true],
  [open, { host: "valet.example:443", origin: "https://valet.example" }, true],
  [open, { host: "valet.example", origin: "http://valet.example:80" }, true],
  [open, { host: "[::1]:80", origin: "http://[::1]" }, true],
  [{}, { host: "localhost:8080", origin: "http://localhost:8080" }, true],
  // Typed into the browser's address bar.
  [open, { host, ...site("none") }, true],
  // Other origins.
  [open, { host, origin: "http://evil.example" }, false],
  [open, { host, origin: "http://evil.example:8080" }, false],
  [open, { host, origin: "http://a.valet.example:8080" }, false],
  [open, { host, origin: "http://valet.example:8081" }, false],
  [open, { host, origin: "http://valet.example" }, false],
  [open, { host: "valet.example", origin: "http://valet.example:443" }, false],
  [open, { host: "valet.example:80", origin: "https://valet.example" }, false],
  [open, { host, origin: "null" }, false],
  [open, { host, origin: "" }, false],
  [open, { host, origin: "valet.example:8080" }, false],
  [open, { host, origin: `${own} http://evil.example` }, false],
  [open, { host, origin: `${own}/` }, false],
  [open, { host, origin: "file://" }, false],
  // The page of an app: its scheme has no usual port.
  [open, { host: "localhost", origin: "capacitor://localhost" }, false],
  [open, { host: "localhost", origin: "constructor://localhost" }, false],
  [{}, { host: "localhost:8080", origin: "http://localhost:3000" }, false],
  [{}, { host: "localhost:8080", origin: "http://127.0.0.1:8080" }, false],
  [open, { origin: own }, false],
  // A browser that says so itself, whatever a proxy has made of Host.
  [open, { host, ...site("cross-site") }, false],
  [open, { host, ...site("same-site") }, false],
  [open, { host, ...site("what-comes-next") }, false],
  [open, { host, origin: own, ...site("cross-site") }, false],
  [open, { host, origin: own, ...site("same-site") }, false],
  // server.cors_origins.
  [listed, { host, origin: "https://a.example" }, true],
  [listed, { host, origin: "https://a.example", ...site("cross-site") }, true],
  [listed, { host, origin: own }, true],
  [listed, { host, origin: "http://a.example" }, false],
  [listed, { host, origin: "https://a.example:8443" }, false],
  [listed, { host, origin: "null" }, false],
  [listed, { host, ...site("cross-site") }, false],
  [any, { host, origin: "http://evil.example", ...site("cross-site") }, true],
  [any, { host, origin: "null" }, true],
  [any, { host, ...site("cross-site") }, true],
];

for (const [rules, headers, isAccepted] of originCases) {
  const verb = isAccepted ? "accepts" : "refuses";
  Deno.test(`createOriginRules ${verb} ${JSON.stringify({ ...rules, ...headers })}`, () => {
    for (const method of ["POST", "PATCH", "PUT", "DELETE", "PROPFIND"]) {
      assert.equal(refusal(rules, method, headers) === undefined, isAccepted, method);
    }
    // Whoever may not read the answer learns nothing by these.
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      assert.equal(refusal(rules, method, headers), undefined, method);
    }
  });
}

Deno.test("createOriginRules names Origin and Host, and what helps behind a proxy", () => {
  assert.equal(
    refusal(open, "POST", { host: "127.0.0.1:8080", origin: "https://valet.example" }),
    'Cannot accept POST from a page of another origin: Origin is "https://valet.example", Host is ' +
      '"127.0.0.1:8080"; server.cors_origins allows origins, and a proxy must pass on the Host that ' +
      "the browser sent (nginx: proxy_set_header Host $http_host)",
  );
  assert.match(
    refusal(open, "POST", { host, ...site("cross-site") })!,
    /: Origin is absent, Host is "valet.example:8080", Sec-Fetch-Site is "cross-site"; /,
  );
  assert.ok(refusal(open, "POST", { host, origin: "x".repeat(10_000) })!.length < 600);
});

Deno.test("createOriginRules warns of the first request that came through a proxy, on loopback", async () => {
  await using logs = new CapturedLogs();
  for (const name of ["Forwarded", "X-Forwarded-For"]) {
    for (const address of ["0.0.0.0", "127.0.0.1"]) {
      const check = createOriginRules({ host: address, hosts: [], corsOrigins: [] });
      for (let count = 0; count < 3; count++) {
        check(new Request("http://a/", { headers: { [name]: "for=10.0.0.1", host: "localhost" } }));
      }
    }
  }
  await logs.waitFor({ level: "warn", header: "X-Forwarded-For" });
  assert.deepEqual(
    logs.lines.map(({ message, header }) => [String(message).slice(0, 33), header]),
    [
      ["a request came through a proxy: w", "Forwarded"],
      ["a request came through a proxy: w", "X-Forwarded-For"],
    ],
  );
});

Deno.test("createApp refuses by Host and Origin before it reads or does anything", async () => {
  const { request, records } = await makeApp();
  const body = { name: "a", task_name: "dummytask" };
  const evil = { host: "localhost:8080", origin: "http://evil.example" };
  const post = await request("POST", "/jobs", body, evil);
  assert.equal(post.status, 403);
  assert.deepEqual([post.body.code, post.body.reason], [403, "forbidden"]);
  assert.ok(post.headers.has("x-request-id"));
  assert.equal(records.at(-1)?.status, 403);
  assert.deepEqual((await request("GET", "/jobs")).body.jobs, []);
  for (const path of ["/jobs", "/health/live", "/nowhere"]) {
    const { status } = await request("GET", path, undefined, { host: "evil.example" });
    assert.equal(status, 403, path);
  }
  // The browser reads neither the answer to GET nor the one to a preflight.
  for (const method of ["GET", "OPTIONS", "POST"]) {
    const { headers } = await request(method, "/jobs", undefined, {
      ...evil,
      "access-control-request-method": "POST",
    });
    const names = [...headers.keys()].filter((name) => name.startsWith("access-control-"));
    assert.deepEqual(names, [], method);
  }
});

Deno.test("createApp marks every answer with nosniff", async () => {
  const { request } = await makeApp();
  const requests = [
    ["GET", "/tasks", 200],
    ["HEAD", "/tasks", 200],
    ["OPTIONS", "/tasks", 204],
    ["POST", "/jobs", 400],
    ["PUT", "/jobs", 405],
    ["GET", "/nowhere", 404],
  ] as const;
  for (const [method, path, status] of requests) {
    const answer = await request(method, path);
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff", `${method} ${path}`);
  }
  const refused = await request("GET", "/tasks", undefined, { host: "evil.example" });
  assert.equal(refused.headers.get("x-content-type-options"), "nosniff");
});
