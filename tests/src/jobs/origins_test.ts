import assert from "node:assert/strict";
import { JobOrigins } from "../../../src/jobs/origins.ts";

Deno.test("JobOrigins.take gives the request of a job once", () => {
  const origins = new JobOrigins();
  origins.add("job", "request");
  assert.equal(origins.take("other"), undefined);
  assert.equal(origins.take("job"), "request");
  assert.equal(origins.take("job"), undefined);
});

Deno.test("JobOrigins keeps the latest ones", () => {
  const origins = new JobOrigins();
  for (let i = 0; i < 10_000; i++) origins.add(`job ${i}`, `request ${i}`);
  assert.equal(origins.take("job 0"), undefined);
  assert.equal(origins.take("job 5000"), "request 5000");
  assert.equal(origins.take("job 9999"), "request 9999");
});
