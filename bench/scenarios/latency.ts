// From the POST to the task's own first statement, at a rate that leaves the node idle. The task returns
// the time on the clock of the machine, with fractions of a millisecond; the client notes the same clock.

import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { startValet } from "../server_process.ts";
import type { Source } from "../source.ts";
import { openStore, type StoreName } from "../stores.ts";
import { waitForCount } from "../valet_client.ts";

const ratePerS = 50;
const warmUpS = 2;
const jobCount = 600;
const body = JSON.stringify({ name: "bench", task_name: "clock" });

const stores = ["memory", "SQLite", "MySQL + RabbitMQ"] as const;

/** Measures the latency from submit to start on every store. */
export async function measureLatency(source: Source): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const storeName of stores) {
    const latenciesMs = await measureLatencies(source, storeName);
    const plain = `of ${jobCount} jobs, slowest ${latenciesMs.at(-1)!.toFixed(1)} ms`;
    const name = `submit to start at ${ratePerS} jobs/s, ${storeName},`;
    const shared = { plain, unit: "ms", isLessBetter: true } as const;
    figures.push(
      { name: `${name} p50`, value: latenciesMs[jobCount * 0.5]!, ...shared },
      { name: `${name} p99`, value: latenciesMs[jobCount * 0.99]!, ...shared },
    );
  }
  return figures;
}

/** Of each job, the shortest first. */
async function measureLatencies(source: Source, storeName: StoreName): Promise<number[]> {
  await using store = await openStore(storeName);
  await using server = await startValet(source, { store });
  const { port } = server;
  const { sent } = await runLoad({
    port,
    method: "POST",
    paths: ["/jobs"],
    body,
    connections: 8,
    ratePerS,
    warmUpMs: warmUpS * 1000,
    count: jobCount,
    keepsIds: true,
  }, 202);
  await waitForCount(server, "COMPLETED", jobCount + warmUpS * ratePerS);
  const latenciesMs = await Promise.all(sent.map(async ({ id, sentAtMs }) => {
    const response = await fetch(`http://127.0.0.1:${port}/jobs/${id}/results`);
    const { metadata } = await response.json() as { metadata: number };
    return metadata - sentAtMs;
  }));
  return latenciesMs.sort((one, other) => one - other);
}
