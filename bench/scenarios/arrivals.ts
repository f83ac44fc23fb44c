// Jobs that arrive over HTTP while others run: from the first request until the last job has completed.
// Not one may be refused or lost.

import { compare, measureBarePost } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { startValet, unboundedQueue } from "../server_process.ts";
import type { Source } from "../source.ts";
import { noopBody, waitForCount } from "../valet_client.ts";

const jobCount = 200_000;

/** Measures jobs/s from end to end. */
export async function measureArrivals(source: Source): Promise<Figure[]> {
  // Once, between two measures of H: it is long enough to be steady.
  const before = await measureBarePost();
  const ratePerS = await runJobs(source);
  const after = await measureBarePost();
  const name = "jobs over HTTP that run at once, none of 200,000 lost";
  return [{ name, unit: "H", ...compare((before + after) / 2, ratePerS) }];
}

async function runJobs(source: Source): Promise<number> {
  await using server = await startValet(source, { program: "shipped", settings: unboundedQueue });
  const { port } = server;
  const load = { port, method: "POST", paths: ["/jobs"], body: noopBody } as const;
  const { startedAtMs } = await runLoad({ ...load, connections: 32, count: jobCount }, 202);
  const endedAtMs = await waitForCount(server, "COMPLETED", jobCount);
  return jobCount * 1000 / (endedAtMs - startedAtMs);
}
