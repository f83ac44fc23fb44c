import assert from "node:assert/strict";
import { Outage } from "../../drivers/outage.ts";
import { CapturedLogs } from "../testing/captured_logs.ts";

/** An outage whose probes fail until `isUp` is set. */
function createOutage() {
  const server = { isUp: false, probeCount: 0 };
  const outage = new Outage({
    name: "MyServer",
    component: "test",
    // deno-lint-ignore require-await -- async only turns what is thrown into a rejection
    async probe() {
      server.probeCount++;
      if (!server.isUp) throw new Error("still down");
    },
  });
  return { outage, server };
}

Deno.test("Outage lets through before a report, and nobody until a probe succeeds", async () => {
  await using logs = new CapturedLogs();
  const { outage, server } = createOutage();
  outage.assertUp();
  assert.equal(outage.isDown, false);
  outage.report(new Error("the cable"));
  outage.report(new Error("the same cable"));
  assert.equal(outage.isDown, true);
  assert.throws(() => outage.assertUp(), {
    code: "unavailable",
    message: "Cannot reach MyServer: the cable",
  });
  server.isUp = true;
  const back = await logs.waitFor({ message: "MyServer is back" });
  assert.equal(back["level"], "info");
  outage.assertUp();
  assert.deepEqual(logs.lines.map(({ level, message }) => [level, message]), [
    ["error", "lost the connection to MyServer, trying again"],
    ["info", "MyServer is back"],
  ]);
  assert.equal(logs.lines[0]?.["reason"], "the cable");
  await outage.close();
});

Deno.test("Outage probes on after a failed probe, whose reason it tells", async () => {
  await using logs = new CapturedLogs();
  const { outage, server } = createOutage();
  outage.report(new Error("the cable"));
  while (server.probeCount < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(outage.unavailable().message, "Cannot reach MyServer: still down");
  server.isUp = true;
  await logs.waitFor({ message: "MyServer is back" });
  outage.report(new Error("the cable again"));
  assert.equal(outage.isDown, true);
  await logs.waitFor({ reason: "the cable again" });
  await outage.close();
});

Deno.test("Outage close ends the probing without a word, and later reports are ignored", async () => {
  await using logs = new CapturedLogs();
  const { outage, server } = createOutage();
  outage.report(new Error("the cable"));
  await outage.close();
  const { probeCount } = server;
  server.isUp = true;
  outage.report(new Error("another cable"));
  await outage.close();
  assert.equal(server.probeCount, probeCount);
  await logs.waitFor({ reason: "the cable" });
  assert.equal(logs.lines.length, 1);
});
