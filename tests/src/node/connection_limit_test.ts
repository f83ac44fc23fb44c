import assert from "node:assert/strict";
import { connectionsOf, defaultMaxConnections } from "../../../src/node/connection_limit.ts";

Deno.test("connectionsOf leaves descriptors for stores and tasks", () => {
  const cases = [[64, 48], [256, 192], [1024, 768], [4352, 4096], [1_048_576, 4096], [
    Infinity,
    4096,
  ]] as const;
  for (const [limit, connections] of cases) assert.equal(connectionsOf(limit), connections);
});

Deno.test({
  name: "defaultMaxConnections follows the limit of this process",
  // The reason: only Linux tells it.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const text = new TextDecoder().decode(
      new Deno.Command("sh", { args: ["-c", "ulimit -n"] }).outputSync().stdout,
    );
    const limit = text.trim() === "unlimited" ? Infinity : Number(text);
    assert.equal(await defaultMaxConnections(), connectionsOf(limit));
  },
});
