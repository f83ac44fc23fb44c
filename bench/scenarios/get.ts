// GET/s of finished jobs, beside a bare GET from a Map.

import { compareListeners, type Target } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import {
  type Listener,
  type ServerProcess,
  startBareServer,
  startValet,
  unboundedQueue,
} from "../server_process.ts";
import type { Source } from "../source.ts";
import { noopBody, waitForCount } from "../valet_client.ts";

const jobCount = 1_000;

/** Measures GET of a job, with every listener. */
export async function measureGet(sources: readonly Source[]): Promise<Figure[][]> {
  const comparisons = await compareListeners(
    sources,
    openBareGet,
    (source, listener) => (resources) => openValetGet(source, listener, resources),
  );
  return comparisons.map((comparison) =>
    (["node", "deno"] as const).map((listener): Figure => {
      const name = `GET of a job, 32 connections, against a bare GET, listener ${listener}`;
      return { name, unit: "x", ...comparison[listener] };
    })
  );
}

async function openBareGet(resources: AsyncDisposableStack): Promise<Target> {
  const server = resources.use(await startBareServer());
  return getsOf(server, await submitJobs(server));
}

async function openValetGet(
  source: Source,
  listener: Listener,
  resources: AsyncDisposableStack,
): Promise<Target> {
  const settings = unboundedQueue;
  const server = resources.use(
    await startValet(source, { program: "shipped", settings, listener }),
  );
  const ids = await submitJobs(server);
  await waitForCount(server, "COMPLETED", jobCount);
  return getsOf(server, ids);
}

async function submitJobs({ port }: ServerProcess): Promise<string[]> {
  const load = { port, method: "POST", paths: ["/jobs"], body: noopBody } as const;
  const { sent } = await runLoad({ ...load, connections: 4, count: jobCount, keepsIds: true }, 202);
  return sent.map(({ id }) => id);
}

function getsOf({ port }: ServerProcess, ids: readonly string[]): Target {
  const paths = ids.map((id) => `/jobs/${id}`);
  return { requests: { port, method: "GET", paths }, status: 200 };
}
