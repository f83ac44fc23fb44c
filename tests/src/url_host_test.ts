import assert from "node:assert/strict";
import { isLoopbackHost, ownHost, urlHost } from "../../src/url_host.ts";

Deno.test("urlHost puts an IPv6 address in brackets and leaves other hosts alone", () => {
  assert.deepEqual(["::1", "[::1]", "127.0.0.1", "localhost"].map(urlHost), [
    "[::1]",
    "[::1]",
    "127.0.0.1",
    "localhost",
  ]);
});

Deno.test("ownHost names an address that clients can connect to", () => {
  assert.deepEqual(["0.0.0.0", "::", "::1", "192.0.2.1", "localhost"].map(ownHost), [
    "127.0.0.1",
    "[::1]",
    "[::1]",
    "192.0.2.1",
    "localhost",
  ]);
});

Deno.test("isLoopbackHost knows the addresses that only the machine itself reaches", () => {
  const loopback = [
    "127.0.0.1",
    "127.0.1.1",
    "127.255.255.254",
    "127.1",
    "::1",
    "[::1]",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "::ffff:7f01:2",
    "localhost",
    "LocalHost",
  ];
  for (const host of loopback) assert.ok(isLoopbackHost(host), host);
  const others = [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "128.0.0.1",
    "::2",
    "::ffff:10.0.0.1",
    "::ffff:8000:1",
    "fe80::1",
    "localhost.example",
    "127.0.0.1.example",
    "example.com",
    "a b",
    "",
  ];
  for (const host of others) assert.ok(!isLoopbackHost(host), host);
});
