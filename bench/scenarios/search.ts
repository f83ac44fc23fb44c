// What searches over many large descriptions cost everybody else: how long a health check takes meanwhile.

import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { type ServerProcess, startValet } from "../server_process.ts";
import type { Source } from "../source.ts";
import { openStore, type StoreName } from "../stores.ts";
import { sleep } from "../valet_client.ts";

const jobCount = 10_000;
const searchCount = 10;
const checkMs = 20;
/** No job runs: each waits for a time that does not come. */
const body = JSON.stringify({
  name: "bench",
  task_name: "dummytask",
  description: "lorem ipsum ".repeat(5_400),
  run_at: "9999-01-01T00:00:00Z",
});

const stores: readonly StoreName[] = ["memory", "SQLite", "MySQL"];

/** Measures one search, and ten at once. */
export async function measureSearch(source: Source): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const storeName of stores) {
    await using store = await openStore(storeName);
    const repository = {
      ...store.settings["repository"] as object,
      memory: { max_memory_mb: 4096 },
    };
    await using server = await startValet(source, { store, settings: { repository } });
    const { port } = server;
    const load = { port, method: "POST", paths: ["/jobs"], body, connections: 16 } as const;
    await runLoad({ ...load, count: jobCount }, 202);
    for (const count of [1, searchCount]) {
      const latenciesMs: number[] = [];
      let areOver = false;
      const startMs = performance.now();
      const searches = Promise.all(Array.from({ length: count }, () => search(server)));
      const over = searches.finally(() => areOver = true);
      while (!areOver) {
        latenciesMs.push(await checkHealth(server));
        await sleep(checkMs);
      }
      const requestCounts = await over;
      const tookMs = performance.now() - startMs;
      latenciesMs.sort((one, other) => one - other);
      const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)]!;
      figures.push({
        name: `health check while ${count} searched ${jobCount} jobs of 64 KB, ${storeName}, p99`,
        plain: `p50 ${at(0.5).toFixed(1)} ms, slowest ${latenciesMs.at(-1)!.toFixed(1)} ms; ` +
          `all found nothing after ${tookMs.toFixed(0)} ms and ${requestCounts[0]} requests each`,
        value: at(0.99),
        unit: "ms",
        isLessBetter: true,
      });
    }
  }
  return figures;
}

/** Searches to the end; how many requests that took. */
async function search({ port }: ServerProcess): Promise<number> {
  let cursor = "";
  for (let count = 1;; count++) {
    const response = await fetch(`http://127.0.0.1:${port}/jobs?q=zzz${cursor}`);
    const page = await response.json() as { next_cursor?: string };
    if (page.next_cursor === undefined) return count;
    cursor = `&cursor=${page.next_cursor}`;
  }
}

async function checkHealth({ port }: ServerProcess): Promise<number> {
  const startMs = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/health/live`);
  await response.body?.cancel();
  return performance.now() - startMs;
}
