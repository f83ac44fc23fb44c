import assert from "node:assert/strict";
import { LogAllowance } from "../../../../src/executor/worker/log_allowance.ts";

/** How many lines of so many bytes get through at that time. */
function taken(allowance: LogAllowance, bytes: number, nowMs: number): number {
  let count = 0;
  while (allowance.take(bytes, nowMs)) count++;
  return count;
}

Deno.test("LogAllowance allows a burst of 1 MiB, then 256 KiB a second", () => {
  const allowance = new LogAllowance();
  assert.equal(taken(allowance, 16_384, 1_000_000), 64);
  assert.equal(taken(allowance, 16_384, 1_000_500), 8);
  assert.equal(taken(allowance, 16_384, 1_000_500), 0);
});

Deno.test("LogAllowance holds after 1,000 lines no more than one second gives", () => {
  const allowance = new LogAllowance();
  for (let i = 0; i < 1_000; i++) assert.ok(allowance.take(1, 0));
  assert.equal(taken(allowance, 16_384, 0), 16);
  assert.equal(taken(allowance, 16_384, 60_000), 16);
});
