// How fast waiting no-op jobs run: the queue is filled while the slots are held, then they are let go.

import { compareRates, measureBarePost } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { startValet, unboundedQueue } from "../server_process.ts";
import { closeGate, noopBody, waitForCount } from "../valet_client.ts";

const jobCount = 100_000;
const concurrency = 2;

/** Measures the drain in both isolation modes. */
export async function measureDrain(): Promise<Figure[]> {
  return [
    await measure("worker", { floor: 1.2, aim: 2.5 }),
    await measure("process", { floor: 0.6, aim: 1.5 }),
  ];
}

async function measure(
  isolation: "worker" | "process",
  bounds: Pick<Figure, "floor" | "aim">,
): Promise<Figure> {
  const { ratio, plain } = await compareRates(measureBarePost, () => drain(isolation));
  const name = `drain of 100,000 waiting no-op jobs, isolation ${isolation}`;
  return { name, plain, value: ratio, unit: "H", ...bounds };
}

async function drain(isolation: string): Promise<number> {
  const worker_pool = { isolation, concurrency };
  await using server = await startValet({ settings: { ...unboundedQueue, worker_pool } });
  const openGate = await closeGate(server, concurrency);
  const { port } = server;
  const load = { port, method: "POST", paths: ["/jobs"], body: noopBody } as const;
  await runLoad({ ...load, connections: 32, count: jobCount }, 202);
  const startedAtMs = performance.timeOrigin + performance.now();
  await openGate();
  const endedAtMs = await waitForCount(server, "COMPLETED", jobCount);
  return jobCount * 1000 / (endedAtMs - startedAtMs);
}
