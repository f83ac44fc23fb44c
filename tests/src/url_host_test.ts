import assert from "node:assert/strict";
import { urlHost } from "../../src/url_host.ts";

Deno.test("urlHost puts an IPv6 address in brackets and leaves other hosts alone", () => {
  assert.deepEqual(["::1", "127.0.0.1", "localhost"].map(urlHost), [
    "[::1]",
    "127.0.0.1",
    "localhost",
  ]);
});
