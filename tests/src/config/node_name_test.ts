import assert from "node:assert/strict";
import { defaultNodeName } from "../../../src/config/node_name.ts";

Deno.test("defaultNodeName is the host name and five random characters, the same for this process", () => {
  const name = defaultNodeName();
  assert.match(name, /^[\w.-]{1,94}-[a-z0-9]{5}$/);
  assert.equal(name.slice(0, -6), Deno.hostname().replace(/[^\w.-]/g, "-"));
  assert.equal(defaultNodeName(), name);
});
