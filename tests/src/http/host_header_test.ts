import assert from "node:assert/strict";
import { type HostHeader, parseHost } from "../../../src/http/host_header.ts";

const accepted: readonly [text: string, expected: HostHeader][] = [
  ["localhost", { hostname: "localhost" }],
  ["LocalHost:8080", { hostname: "localhost", port: 8080 }],
  ["127.0.0.1:8080", { hostname: "127.0.0.1", port: 8080 }],
  ["my_valet-1.example", { hostname: "my_valet-1.example" }],
  ["example.com.", { hostname: "example.com." }],
  ["xn--bcher-kva.example:443", { hostname: "xn--bcher-kva.example", port: 443 }],
  ["[::1]", { hostname: "[::1]" }],
  ["[0:0:0:0:0:0:0:1]:80", { hostname: "[::1]", port: 80 }],
  ["[2001:DB8::A]:65535", { hostname: "[2001:db8::a]", port: 65_535 }],
  ["[::ffff:127.0.0.1]", { hostname: "[::ffff:7f00:1]" }],
  ["a:0", { hostname: "a", port: 0 }],
  ["a:00080", { hostname: "a", port: 80 }],
  ["a".repeat(253), { hostname: "a".repeat(253) }],
];

for (const [text, expected] of accepted) {
  Deno.test(`parseHost reads ${text.slice(0, 40)}`, () => {
    assert.deepEqual(parseHost(text), expected);
  });
}

const refused = [
  "",
  " ",
  ":80",
  "a b",
  " a",
  "a ",
  "a\t",
  "a\n",
  "a:",
  "a:b",
  "a:-1",
  "a:+1",
  "a:65536",
  "a:123456",
  "a:80:80",
  "a,b",
  "a, b",
  "x/jobs?z=",
  "x/jobs/1?z=",
  "x/health/live#",
  "x?",
  "x#",
  "x\\y",
  "user@x",
  "user:pass@x:80",
  "http://x",
  "%6cocalhost",
  "caf\u00e9",
  "::1",
  "[]",
  "[::1",
  "::1]",
  "[::1]x",
  "[::1]:",
  "[1]",
  "[localhost]",
  "[:::]",
  "[1:2:3:4:5:6:7:8:9]",
  "[fe80::1%25eth0]",
  "[v1.a]",
  "a".repeat(254),
];

for (const text of refused) {
  Deno.test(`parseHost refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.equal(parseHost(text), null);
  });
}
