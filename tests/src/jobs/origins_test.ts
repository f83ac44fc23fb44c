import assert from "node:assert/strict";
import { JobOrigins } from "../../../src/jobs/origins.ts";

Deno.test("JobOrigins.take gives the request of a job once", () => {
  const origins = new JobOrigins();
  origins.add("job", "request");
  assert.equal(origins.take("other"), undefined);
  assert.equal(origins.take("job"), "request");
  assert.equal(origins.take("job"), undefined);
});

Deno.test("JobOrigins keeps the latest 10,000", () => {
  const origins = new JobOrigins();
  for (let i = 0; i < 10_000; i++) origins.add(`job ${i}`, `request ${i}`);
  assert.equal(origins.take("job 0"), undefined);
  assert.equal(origins.take("job 5000"), "request 5000");
  assert.equal(origins.take("job 10000"), "request 10000");
});
