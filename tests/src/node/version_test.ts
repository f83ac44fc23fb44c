import assert from "node:assert/strict";
import denoConfig from "../../../deno.json" with { type: "json" };
import { denoRefusal, readBuildInfo } from "../../../src/node/version.ts";

Deno.test("readBuildInfo tells the version that deno.json has", () => {
  const { version } = denoConfig;
  assert.deepEqual(readBuildInfo(), { version, commit: "source", buildTime: "source" });
});

Deno.test("denoRefusal names what an old Deno would let tasks do, and lets newer ones pass", () => {
  assert.equal(
    denoRefusal("2.7.14"),
    "Cannot run on Deno 2.7.14: tasks could read any file; Deno 2.8.3 or later is allowed",
  );
  for (const version of ["1.46.3", "2.8.2"]) assert.match(denoRefusal(version)!, /^Cannot run on/);
  for (const version of ["2.8.3", "2.8.10", "2.9.0", "2.10.0", "3.0.0", Deno.version.deno]) {
    assert.equal(denoRefusal(version), undefined, version);
  }
});
