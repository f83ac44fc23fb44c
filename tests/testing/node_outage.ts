// What the end-to-end tests ask of a node whose store is out of reach.

import { strict as assert } from "node:assert";
import { eventually } from "./eventually.ts";
import { cpuMsOf, memoryMbOf } from "./process_facts.ts";
import { reportMeasurement } from "./report_measurement.ts";
import type { RunningValet } from "./start_valet.ts";

const newJob = { name: "meanwhile", task_name: "dummytask" };

/** Waits until the node says that it is not ready, and checks what it says. */
export async function waitForOutage({ api }: RunningValet, reason: RegExp): Promise<void> {
  const answer = await eventually("the node to see the outage", async () => {
    const answer = await api.request("GET", "/health/ready");
    return answer.status === 503 && answer;
  });
  assert.match(answer.body.message, reason);
  assert.equal((await api.request("GET", "/health/live")).status, 200);
}

/** Waits until it is ready, which must be soon after the store is back. */
export async function waitUntilReady({ api }: RunningValet): Promise<void> {
  const sinceMs = performance.now();
  await eventually(
    "the node to be ready",
    async () => (await api.request("GET", "/health/ready")).status === 200,
  );
  const afterMs = performance.now() - sinceMs;
  assert.ok(afterMs < 3_000, `ready ${afterMs} ms after the store`);
}

/** A request that must be refused as one that may be sent again, with the name of the store. */
export async function assertUnavailable(
  { api }: RunningValet,
  method: string,
  path: string,
  store: RegExp,
): Promise<void> {
  const startedAtMs = performance.now();
  const answer = await api.request(method, path, method === "POST" ? newJob : undefined);
  assert.equal(answer.status, 503, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  assert.match(answer.body.message, store);
  assert.doesNotMatch(answer.body.message, /full/);
  assert.ok(Number(answer.headers.get("retry-after")) >= 1);
  assert.ok(performance.now() - startedAtMs < 1_000, "the client had to wait");
}

/** Neither a busy loop nor a memory that grows with what is refused. */
export async function assertFrugal({ api, process }: RunningValet): Promise<void> {
  const beforeMs = cpuMsOf(process.pid)!;
  // Not a wait for an event: the length of the measurement.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const usedMs = cpuMsOf(process.pid)! - beforeMs;
  assert.ok(usedMs < 150, `${usedMs} ms of CPU time in half a second`);

  const post = async () => {
    for (let count = 0; count < 25; count++) {
      assert.equal((await api.request("POST", "/jobs", newJob)).status, 503);
    }
  };
  const postAll = () => Promise.all(Array.from({ length: 16 }, post));
  await postAll();
  const beforeMb = memoryMbOf(process.pid)!;
  for (let round = 0; round < 3; round++) await postAll();
  const grownMb = memoryMbOf(process.pid)! - beforeMb;
  reportMeasurement(`in an outage: ${usedMs} ms of CPU time in half a second, ${grownMb} MB grown`);
  assert.ok(grownMb < 40, `the process has grown by ${grownMb} MB`);
}

/**
 * What an operator finds in the log at level info and above, besides requests, completed jobs, jobs that were given back
 * because all workers were busy, and the process itself.
 */
export function story({ process }: RunningValet): string[] {
  return process.log
    .filter(({ level, component, message }) =>
      level !== "debug" && component !== "http" &&
      !/^(?:job completed|gave a job back|listening|stopping.*|stopped)$/.test(message)
    )
    .map(({ level, component }) => `${level} ${component}`);
}
