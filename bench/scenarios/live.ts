// Whether the server still answers while every slot burns its core.

import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { startValet } from "../server_process.ts";
import type { Source } from "../source.ts";
import { submit, waitForCount } from "../valet_client.ts";

const spinning = 2;
const spinMs = 60_000;

/** Measures GET /health/live beside spinning tasks. */
export async function measureLive(source: Source): Promise<Figure[]> {
  const settings = { worker_pool: { concurrency: spinning } };
  await using server = await startValet(source, { settings });
  for (let count = 0; count < spinning; count++) await submit(server, "spin", { ms: spinMs });
  await waitForCount(server, "IN_PROGRESS", spinning);
  const { latenciesMs, requests } = await runLoad({
    port: server.port,
    method: "GET",
    paths: ["/health/live"],
    connections: 4,
    ratePerS: 100,
    warmUpMs: 500,
    durationMs: 4_000,
  }, 200);
  return [{
    name: "GET /health/live with two spinning tasks, p95",
    plain: `of ${requests}, slowest ${latenciesMs.max.toFixed(1)} ms`,
    value: latenciesMs.p95,
    unit: "ms",
    isLessBetter: true,
  }];
}
