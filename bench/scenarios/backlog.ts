// Whether memory stays flat while clients go on submitting to a full queue.

import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { readRssMb, startValet } from "../server_process.ts";
import type { Source } from "../source.ts";
import { closeGate, noopBody, sleep } from "../valet_client.ts";

const concurrency = 2;
const settleMs = 3_000;
const sampleMs = 500;
const sampleCount = 14;

/** Measures the growth of memory behind a full queue. */
export async function measureBacklog(source: Source): Promise<Figure[]> {
  await using server = await startValet(source, { settings: { worker_pool: { concurrency } } });
  await closeGate(server, concurrency);
  const load = runLoad({
    port: server.port,
    method: "POST",
    paths: ["/jobs"],
    body: noopBody,
    connections: 32,
    durationMs: settleMs + sampleCount * sampleMs,
  });
  await sleep(settleMs);
  const samplesMb: number[] = [];
  while (samplesMb.length < sampleCount) {
    samplesMb.push(await readRssMb(server.pid));
    await sleep(sampleMs);
  }
  const { statuses } = await load;
  // The highest of each half: what the garbage collector has not yet swept is no growth.
  const early = Math.max(...samplesMb.slice(0, sampleCount / 2));
  const late = Math.max(...samplesMb.slice(sampleCount / 2));
  return [{
    name: "memory after a full queue has refused POSTs for ten seconds",
    plain: `${early.toFixed(0)} MB halfway; ${statuses[503] ?? 0} answers of 503`,
    value: late,
    unit: "MB",
    isLessBetter: true,
  }];
}
