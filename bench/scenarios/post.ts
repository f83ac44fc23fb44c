// POST/s while the slots are held, so that nothing but the POST is measured; beside the bare server.

import { compareListeners, openBarePost, postsTo, type Target } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { type Listener, startValet, unboundedQueue } from "../server_process.ts";
import type { Source } from "../source.ts";
import { openStore, type StoreName, storeNames } from "../stores.ts";
import { closeGate } from "../valet_client.ts";

/** Measures POST on every store, with every listener. */
export async function measurePost(sources: readonly Source[]): Promise<Figure[][]> {
  const figures: Figure[][] = sources.map(() => []);
  for (const storeName of storeNames) {
    const comparisons = await compareListeners(
      sources,
      openBarePost,
      (source, listener) => (resources) => openValetPost(source, storeName, listener, resources),
    );
    for (const [index, comparison] of comparisons.entries()) {
      for (const listener of ["node", "deno"] as const) {
        const name = `POST, 32 connections, ${storeName}, listener ${listener}`;
        figures[index]!.push({ name, unit: "H", ...comparison[listener] });
      }
    }
  }
  return figures;
}

async function openValetPost(
  source: Source,
  storeName: StoreName,
  listener: Listener,
  resources: AsyncDisposableStack,
): Promise<Target> {
  const worker_pool = { concurrency: 2 };
  const store = resources.use(await openStore(storeName));
  const settings = { ...unboundedQueue, worker_pool };
  const server = resources.use(await startValet(source, { store, settings, listener }));
  await closeGate(server, worker_pool.concurrency);
  return postsTo(server);
}
