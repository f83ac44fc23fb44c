// GET/s of finished jobs, beside a bare GET from a Map.

import { compareTargets, type Target } from "../comparison.ts";
import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import {
  type ServerProcess,
  startBareServer,
  startValet,
  unboundedQueue,
} from "../server_process.ts";
import { noopBody, waitForCount } from "../valet_client.ts";

const jobCount = 1_000;

/** Measures GET of a job. */
export async function measureGet(): Promise<Figure[]> {
  const { ratio, plain } = await compareTargets(openBareGet, openValetGet);
  const name = "GET of a job, 32 connections, against a bare GET";
  return [{ name, plain, value: ratio, unit: "x", floor: 0.6, aim: 0.85 }];
}

async function openBareGet(resources: AsyncDisposableStack): Promise<Target> {
  const server = resources.use(await startBareServer());
  return getsOf(server, await submitJobs(server));
}

async function openValetGet(resources: AsyncDisposableStack): Promise<Target> {
  const server = resources.use(
    await startValet({ program: "shipped", settings: unboundedQueue }),
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
