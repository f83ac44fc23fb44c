// How fast waiting no-op jobs run: the queue is filled while the slots are held, then they are let go.

import { compare, measureBarePost } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { type Settings, startValet, unboundedQueue } from "../server_process.ts";
import type { Source } from "../source.ts";
import { openStore, type StoreName } from "../stores.ts";
import { closeGate, noopBody, waitForCount } from "../valet_client.ts";

const concurrency = 2;

interface Drain {
  readonly storeName: StoreName;
  readonly isolation: "worker" | "process";
  readonly jobCount: number;
}

const drains: readonly Drain[] = [
  { storeName: "memory", isolation: "worker", jobCount: 100_000 },
  { storeName: "memory", isolation: "process", jobCount: 100_000 },
  { storeName: "SQLite", isolation: "worker", jobCount: 50_000 },
  { storeName: "MySQL", isolation: "worker", jobCount: 50_000 },
  { storeName: "MySQL + RabbitMQ", isolation: "worker", jobCount: 50_000 },
];

/** Measures the drain in both isolation modes, and on every store. */
export async function measureDrain(source: Source): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const drain of drains) {
    const comparison = compare(await measureBarePost(), await drainOnce(source, drain));
    const { storeName, isolation, jobCount } = drain;
    const count = jobCount.toLocaleString("en");
    const name = `drain of ${count} waiting no-op jobs, ${storeName}, isolation ${isolation}`;
    figures.push({ name, unit: "H", ...comparison });
  }
  return figures;
}

/** The jobs/s of one drain. `over` is laid over the settings of the scenario. */
export async function drainOnce(
  source: Source,
  { storeName, isolation, jobCount }: Pick<Drain, "storeName" | "isolation" | "jobCount">,
  over: Settings = {},
): Promise<number> {
  const worker_pool = { isolation, concurrency };
  await using store = await openStore(storeName);
  const settings = { ...unboundedQueue, worker_pool, ...over };
  await using server = await startValet(source, { store, settings });
  const openGate = await closeGate(server, concurrency);
  const { port } = server;
  const load = { port, method: "POST", paths: ["/jobs"], body: noopBody } as const;
  await runLoad({ ...load, connections: 32, count: jobCount }, 202);
  const startedAtMs = performance.timeOrigin + performance.now();
  await openGate();
  const endedAtMs = await waitForCount(server, "COMPLETED", jobCount);
  return jobCount * 1000 / (endedAtMs - startedAtMs);
}
