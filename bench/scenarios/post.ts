// POST/s while the slots are held, so that nothing but the POST is measured; beside the bare server.

import { compareRates, fullLoad, measureBarePost } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { startValet, unboundedQueue } from "../server_process.ts";
import { closeGate, noopBody } from "../valet_client.ts";

/** Measures POST. */
export async function measurePost(): Promise<Figure[]> {
  const { ratio, plain } = await compareRates(measureBarePost, measureValetPost);
  const name = "POST, 32 connections";
  return [{ name, plain, value: ratio, unit: "H", floor: 0.75, aim: 0.9 }];
}

async function measureValetPost(): Promise<number> {
  const worker_pool = { concurrency: 2 };
  await using server = await startValet({ settings: { ...unboundedQueue, worker_pool } });
  await closeGate(server, worker_pool.concurrency);
  const { port } = server;
  const load = { ...fullLoad, port, method: "POST", paths: ["/jobs"], body: noopBody } as const;
  return (await runLoad(load, 202)).ratePerS;
}
