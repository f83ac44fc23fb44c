// Opens the repository and the queue that a configuration names: reads their secrets and waits for
// servers that are not there yet. Called by src/valet.ts at the start.

import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { errorMessage, isUnavailable, ValetError } from "./errors.ts";
import { getLogger } from "./log.ts";
import type { Queue } from "./queue.ts";
import type { Repository } from "./repository.ts";
import { readSecret, readSecretFile, type SecretName } from "./secrets.ts";

/** Opens drivers by name; each one parses its options. */
export interface StoreOpeners {
  readonly openRepository: (name: string, options: unknown) => Promise<Repository>;
  readonly openQueue: (name: string, options: unknown) => Promise<Queue>;
}

/** The two stores of a node. */
export interface Stores {
  readonly repository: Repository;
  readonly queue: Queue;
}

/** Between tries to open what is not there yet. */
const retryMs = 250;
/** Messages that a broker sends beyond what the node runs and keeps waiting: what claims have in a batch. */
const sentAhead = 128;

const log = getLogger("valet");

/** The options of the repository, secrets included: not for a log. Throws `invalid_config`. */
export async function repositoryOptions({ repository }: Config): Promise<unknown> {
  const options = repository[repository.option];
  if (repository.option !== "mysql") return options;
  const [dsn, caPem] = await Promise.all([
    readNeededSecret("mysql_dsn", "repository.option: mysql"),
    readSecretFile("MYSQL_CA_PEM_FILE"),
  ]);
  return { ...options, dsn, caPem };
}

/** The options of the queue, secrets included: not for a log. Throws `invalid_config`. */
export async function queueOptions({ jobQueue, workerPool }: Config): Promise<unknown> {
  const options = jobQueue[jobQueue.option];
  if (jobQueue.option !== "rabbitmq") return options;
  // A few more than the pool has places for: what it soon has room for is then here already.
  const prefetch = Math.min(65_535, workerPool.concurrency + workerPool.backlog + sentAhead);
  return {
    ...options,
    uri: await readNeededSecret("rabbitmq_uri", "job_queue.option: rabbitmq"),
    prefetch,
  };
}

async function readNeededSecret(name: SecretName, setting: string): Promise<string> {
  const secret = await readSecret(name);
  if (secret !== undefined) return secret;
  throw new ValetError(
    "invalid_config",
    `Cannot find the secret ${name}: ${setting} needs the environment variable ` +
      `${name.toUpperCase()} or the Docker secret /run/secrets/${name}`,
  );
}

/**
 * Opens both stores. One that is unavailable is tried again until `server.startup_wait` is over.
 *
 * @returns null if the signal aborted the wait.
 * @throws ValetError as the drivers do; then nothing is left open.
 */
export async function openStores(
  config: Config,
  openers: StoreOpeners,
  signal: AbortSignal,
): Promise<Stores | null> {
  const { openRepository, openQueue } = openers;
  const deadlineMs = performance.now() + config.server.startupWaitMs;
  const forRepository = await repositoryOptions(config);
  const forQueue = await queueOptions(config);
  const repository = await openWhenThere(
    () => openRepository(config.repository.option, forRepository),
    deadlineMs,
    signal,
  );
  if (repository === null) return null;
  try {
    const queue = await openWhenThere(
      () => openQueue(config.jobQueue.option, forQueue),
      deadlineMs,
      signal,
    );
    if (queue !== null) return { repository, queue };
  } catch (thrown) {
    await repository.close();
    throw thrown;
  }
  await repository.close();
  return null;
}

async function openWhenThere<Store>(
  open: () => Promise<Store>,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Store | null> {
  for (let hasTold = false; !signal.aborted; hasTold = true) {
    try {
      return await open();
    } catch (thrown) {
      if (!isUnavailable(thrown)) throw thrown;
      if (performance.now() >= deadlineMs) {
        const message = `${errorMessage(thrown)}; server.startup_wait is over`;
        throw new ValetError("unavailable", message, { cause: thrown });
      }
      if (!hasTold) {
        const wait_ms = Math.round(deadlineMs - performance.now());
        log.warn("waiting for a store", { reason: errorMessage(thrown), wait_ms });
      }
    }
    await systemClock.sleep(retryMs, signal);
  }
  return null;
}
