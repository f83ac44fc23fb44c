// Opens the repository and the queue that a configuration names: reads their secrets, checks their options
// and waits for servers that are not there yet. Called by src/node/commands.ts at the start.

import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { openStoredQueue } from "../engine/stored_queue.ts";
import { type ErrorDetail, errorMessage, isUnavailable, ValetError } from "../errors.ts";
import { getLogger } from "../log/log.ts";
import type { Queue } from "../jobs/queue.ts";
import type { Backup, Repository } from "../jobs/repository.ts";
import {
  describeSecretSources,
  readCertificateFile,
  type SecretName,
  type Secrets,
} from "../config/secrets.ts";

/** The drivers by name; each one parses its options. To check them connects with nothing. */
export interface StoreDrivers {
  readonly checkRepository: (name: string, options: unknown) => Promise<void>;
  readonly checkQueue: (name: string, options: unknown) => Promise<void>;
  readonly connectRepository: (name: string, options: unknown) => Promise<void>;
  readonly connectQueue: (name: string, options: unknown) => Promise<void>;
  readonly openRepository: (name: string, options: unknown) => Promise<Repository>;
  readonly openQueue: (name: string, options: unknown) => Promise<Queue>;
  readonly backUpRepository: (
    name: string,
    options: unknown,
    filePath: string,
  ) => Promise<Backup>;
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
/** Messages in memory, of about 300 bytes each, of jobs that a durable repository holds. To read one more costs 5 us. */
const maxHeld = 50_000;

const log = getLogger("valet");

/** For those who have set no repository, and may not know what that means. */
export const memoryHint =
  "the end of the process forgets all jobs; repository.option: sqlite keeps them in a file";

/** What the two drivers are told, secrets included: not for a log. */
export interface StoreOptions {
  readonly repository: unknown;
  readonly queue: unknown;
}

/**
 * The options of both stores, which their drivers will take.
 *
 * @throws ValetError `invalid_config` with a detail for every store that is configured wrongly.
 */
export async function readStoreOptions(
  config: Config,
  drivers: StoreDrivers,
  secrets: Secrets,
): Promise<StoreOptions> {
  const details: ErrorDetail[] = [...secrets.problems];
  const collect = (path: string, options: Promise<unknown>) =>
    options.catch((thrown) => {
      if (!(thrown instanceof ValetError)) throw thrown;
      details.push({ path, message: thrown.message });
    });
  const repository = await collect("repository", repositoryOptions(config, drivers, secrets));
  const queue = await collect("job_queue", queueOptions(config, drivers, secrets));
  if (details.length === 0) return { repository, queue };
  const list = details.map(({ message }) => message).join("; ");
  throw new ValetError("invalid_config", list, { details });
}

/**
 * Tries to reach both stores, and leaves them as they are.
 *
 * @throws ValetError with a detail for each that failed: `invalid_config` if one of them refuses what it was
 * told, as {@link readStoreOptions} does, else `unavailable`.
 */
export async function connectStores(
  config: Config,
  drivers: StoreDrivers,
  secrets: Secrets,
): Promise<void> {
  const options = await readStoreOptions(config, drivers, secrets);
  const tries = await Promise.allSettled([
    drivers.connectRepository(config.repository.option, options.repository),
    drivers.connectQueue(config.jobQueue.option, options.queue),
  ]);
  const reasons = tries.flatMap((tried) => tried.status === "rejected" ? [tried.reason] : []);
  if (reasons.length === 0) return;
  const details = reasons.map((reason) => ({ path: "", message: errorMessage(reason) }));
  const isWrong = reasons.some((reason) =>
    reason instanceof ValetError && reason.code === "invalid_config"
  );
  const list = details.map(({ message }) => message).join("; ");
  throw new ValetError(isWrong ? "invalid_config" : "unavailable", list, { details });
}

async function repositoryOptions(
  { repository }: Config,
  { checkRepository }: StoreDrivers,
  secrets: Secrets,
): Promise<unknown> {
  const { option } = repository;
  const options = option === "mysql"
    ? {
      ...repository.mysql,
      dsn: readNeededSecret(secrets, "mysql_dsn", "repository.option: mysql"),
      caPem: readCertificateFile("MYSQL_CA_PEM_FILE"),
    }
    : repository[option];
  await checkRepository(option, options);
  return options;
}

async function queueOptions(
  { jobQueue, repository, workerPool }: Config,
  { checkQueue }: StoreDrivers,
  secrets: Secrets,
): Promise<unknown> {
  const { option, memory: { capacity } } = jobQueue;
  const options = option === "rabbitmq"
    ? {
      ...jobQueue.rabbitmq,
      uri: readNeededSecret(secrets, "rabbitmq_uri", "job_queue.option: rabbitmq"),
      // A few more than the pool has places for: what it soon has room for is then here already.
      prefetch: Math.min(65_535, workerPool.concurrency + workerPool.backlog + sentAhead),
    }
    : { capacity: repository.option === "memory" ? capacity : Math.min(capacity, maxHeld) };
  await checkQueue(option, options);
  return options;
}

function readNeededSecret(secrets: Secrets, name: SecretName, setting: string): string {
  const secret = secrets.read(name);
  if (secret !== undefined) return secret;
  throw new ValetError(
    "invalid_config",
    `Cannot find the secret ${name}: ${setting} needs ${describeSecretSources(name)}`,
  );
}

/**
 * Opens both stores. One that is unavailable is tried again until `server.startup_wait` is over.
 *
 * @returns null if the signal aborted the wait.
 * @throws ValetError as {@link readStoreOptions} and the drivers do; then nothing is left open.
 */
export async function openStores(
  config: Config,
  drivers: StoreDrivers,
  secrets: Secrets,
  signal: AbortSignal,
): Promise<Stores | null> {
  try {
    return await openBoth(config, drivers, secrets, signal);
  } catch (thrown) {
    const isWrong = thrown instanceof ValetError && thrown.code === "invalid_config";
    if (isWrong) await readStoreOptions(config, drivers, secrets); // tells of both stores at once
    throw thrown;
  }
}

async function openBoth(
  config: Config,
  drivers: StoreDrivers,
  secrets: Secrets,
  signal: AbortSignal,
): Promise<Stores | null> {
  const deadlineMs = performance.now() + config.server.startupWaitMs;
  // The repository is opened next and tells of its options itself: what only a check needs is not loaded.
  const checkRepository = () => Promise.resolve();
  const options = await readStoreOptions(config, { ...drivers, checkRepository }, secrets);
  const repository = await openWhenThere(
    () => drivers.openRepository(config.repository.option, options.repository),
    deadlineMs,
    signal,
  );
  if (repository === null) return null;
  try {
    const queue = await openWhenThere(
      () => openQueue(config, drivers, options, repository),
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

/** Where jobs outlive this process and their messages do not, the repository is a part of the queue. */
async function openQueue(
  { jobQueue }: Config,
  drivers: StoreDrivers,
  options: StoreOptions,
  repository: Repository,
): Promise<Queue> {
  const queue = await drivers.openQueue(jobQueue.option, options.queue);
  if (queue.isShared || !repository.isDurable) return queue;
  const { capacity } = jobQueue.memory;
  return await openStoredQueue({ repository, queue, capacity });
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
