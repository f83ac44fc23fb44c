// How long jobs stand still when a part dies with SIGKILL: after a node the time until another one runs
// what it held, without the lease that must be over first; after the broker or the database the time from
// their being ready again until a job that is submitted then has run.

import type { Figure } from "../figure.ts";
import { type ServerProcess, startValet } from "../server_process.ts";
import type { Source } from "../source.ts";
import { openStore, restartServer, type Store } from "../stores.ts";
import { noopBody, sleep, submit } from "../valet_client.ts";

const leaseMs = 3_000;
const settings = { worker_pool: { concurrency: 2, lease: `${leaseMs}ms` } };
const pollMs = 10;

/** Measures the recovery from the death of a node, of the broker and of the database. */
export async function measureRecovery(source: Source): Promise<Figure[]> {
  await using store = await openStore("MySQL + RabbitMQ");
  return [
    toFigure("a node, beyond its lease", await recoverFromNode(source, store)),
    toFigure("the broker", await recoverFrom(source, "RabbitMQ", store)),
    toFigure("the database", await recoverFrom(source, "MySQL", store)),
  ];
}

function toFigure(what: string, value: number): Figure {
  const name = `recovery after SIGKILL of ${what}`;
  return { name, plain: "MySQL + RabbitMQ", value, unit: "ms", isLessBetter: true };
}

async function recoverFromNode(source: Source, store: Store): Promise<number> {
  const victim = await startValet(source, { store, settings });
  const id = await submit(victim, "gate");
  await until(victim, id, ({ status }) => status === "IN_PROGRESS");
  await using other = await startValet(source, { store, settings });
  await victim[Symbol.asyncDispose]();
  const killedMs = performance.timeOrigin + performance.now();
  const { started_at } = await until(
    other,
    id,
    (job) => job.started_at !== undefined && Date.parse(job.started_at) > killedMs,
  );
  return Math.max(0, Date.parse(started_at!) - killedMs - leaseMs);
}

async function recoverFrom(
  source: Source,
  name: "MySQL" | "RabbitMQ",
  store: Store,
): Promise<number> {
  await using server = await startValet(source, { store, settings });
  await restartServer(name);
  const readyMs = performance.now();
  const id = await submitAgainAndAgain(server);
  await until(server, id, ({ status }) => status === "COMPLETED");
  return performance.now() - readyMs;
}

interface SeenJob {
  readonly id: string;
  readonly status: string;
  readonly started_at?: string;
}

async function submitAgainAndAgain({ port }: ServerProcess): Promise<string> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/jobs`, {
      method: "POST",
      body: noopBody,
    });
    const job = await response.json() as SeenJob;
    if (response.status === 202) return job.id;
    await sleep(pollMs);
  }
}

async function until(
  { port }: ServerProcess,
  id: string,
  isWanted: (job: SeenJob) => boolean,
): Promise<SeenJob> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/jobs/${id}`);
    const job = await response.json() as SeenJob;
    if (response.ok && isWanted(job)) return job;
    await sleep(pollMs);
  }
}
