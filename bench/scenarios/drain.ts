// How fast waiting no-op jobs run: the queue is filled while the slots are held, then they are let go.

import { compareRates, measureBarePost } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { startValet, unboundedQueue } from "../server_process.ts";
import { openStore, type StoreName } from "../stores.ts";
import { closeGate, noopBody, waitForCount } from "../valet_client.ts";

const concurrency = 2;

interface Drain {
  readonly storeName: StoreName;
  readonly isolation: "worker" | "process";
  readonly jobCount: number;
  readonly floor: number;
  readonly aim: number;
}

const drains: readonly Drain[] = [
  { storeName: "memory", isolation: "worker", jobCount: 100_000, floor: 1.2, aim: 2.5 },
  { storeName: "memory", isolation: "process", jobCount: 100_000, floor: 0.6, aim: 1.5 },
  { storeName: "SQLite", isolation: "worker", jobCount: 50_000, floor: 0.4, aim: 0.8 },
  { storeName: "MySQL", isolation: "worker", jobCount: 50_000, floor: 0.2, aim: 0.6 },
  { storeName: "MySQL + RabbitMQ", isolation: "worker", jobCount: 50_000, floor: 0.15, aim: 0.37 },
];

/** Measures the drain in both isolation modes, and on every store. */
export async function measureDrain(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const drain of drains) {
    const { ratio, plain } = await compareRates(measureBarePost, () => measure(drain));
    const { storeName, isolation, jobCount, floor, aim } = drain;
    const count = jobCount.toLocaleString("en");
    const name = `drain of ${count} waiting no-op jobs, ${storeName}, isolation ${isolation}`;
    figures.push({ name, plain, value: ratio, unit: "H", floor, aim });
  }
  return figures;
}

async function measure({ storeName, isolation, jobCount }: Drain): Promise<number> {
  const worker_pool = { isolation, concurrency };
  await using store = await openStore(storeName);
  await using server = await startValet({ store, settings: { ...unboundedQueue, worker_pool } });
  const openGate = await closeGate(server, concurrency);
  const { port } = server;
  const load = { port, method: "POST", paths: ["/jobs"], body: noopBody } as const;
  await runLoad({ ...load, connections: 32, count: jobCount }, 202);
  const startedAtMs = performance.timeOrigin + performance.now();
  await openGate();
  const endedAtMs = await waitForCount(server, "COMPLETED", jobCount);
  return jobCount * 1000 / (endedAtMs - startedAtMs);
}
