// POST/s while the slots are held, so that nothing but the POST is measured; beside the bare server.

import { compareTargets, openBarePost, postsTo, type Target } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { startValet, unboundedQueue } from "../server_process.ts";
import { openStore, type StoreName, storeNames } from "../stores.ts";
import { closeGate } from "../valet_client.ts";

const bounds: Readonly<Record<StoreName, Pick<Figure, "floor" | "aim">>> = {
  "memory": { floor: 0.75, aim: 0.9 },
  "SQLite": { floor: 0.25, aim: 0.45 },
  "MySQL": { floor: 0.12, aim: 0.25 },
  "MySQL + RabbitMQ": { floor: 0.07, aim: 0.15 },
};

/** Measures POST on every store. */
export async function measurePost(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const storeName of storeNames) {
    const { ratio, plain } = await compareTargets(
      openBarePost,
      (resources) => openValetPost(storeName, resources),
    );
    const name = `POST, 32 connections, ${storeName}`;
    figures.push({ name, plain, value: ratio, unit: "H", ...bounds[storeName] });
  }
  return figures;
}

async function openValetPost(
  storeName: StoreName,
  resources: AsyncDisposableStack,
): Promise<Target> {
  const worker_pool = { concurrency: 2 };
  const store = resources.use(await openStore(storeName));
  const settings = { ...unboundedQueue, worker_pool };
  const server = resources.use(await startValet({ store, settings }));
  await closeGate(server, worker_pool.concurrency);
  return postsTo(server);
}
