// The registry: every driver of this build by the name that config.yaml gives it. Called by main.ts.
// The tables are literal so that `deno compile` embeds every driver, and the imports lazy so that
// only the chosen ones are loaded.

import { ValetError } from "../src/errors.ts";
import type { Queue } from "../src/jobs/queue.ts";
import type { Backup, Repository } from "../src/jobs/repository.ts";

/** What a build knows of a driver. Each one parses its own options and says in its doc comment what they are. */
export interface Driver<Port> {
  /** Throws `invalid_config` for options that `open` would refuse; connects with nothing, makes nothing. */
  readonly check: (options?: unknown) => Promise<void>;
  /** Throws for a store that cannot be reached with these options, which were checked; changes nothing there. */
  readonly connect: (options?: unknown) => Promise<void>;
  readonly open: (options?: unknown) => Promise<Port>;
}

/** A driver of a repository. */
export interface RepositoryDriver extends Driver<Repository> {
  /** Copies all that is stored to a new file, also while nodes use it; a text says why not and what to do. */
  readonly backUp: string | ((options: unknown, filePath: string) => Promise<Backup>);
}

const memory = () => import("./repositories/memory/repository.ts");
const sqlite = () => import("./repositories/sqlite/repository.ts");
const mysql = () => import("./repositories/mysql/repository.ts");
const memoryQueue = () => import("./queues/memory.ts");
const rabbitmq = () => import("./queues/rabbitmq/queue.ts");

/** The repository drivers by name. */
export const repositories: Readonly<Record<string, RepositoryDriver>> = {
  memory: {
    check: async (options) => (await memory()).checkMemoryRepository(options),
    connect: () => Promise.resolve(),
    open: async (options) => (await memory()).openMemoryRepository(options),
    backUp:
      "it keeps jobs in the server process alone; repository.option: sqlite keeps them in a file",
  },
  sqlite: {
    check: async (options) => (await sqlite()).checkSqliteRepository(options),
    connect: async (options) => (await sqlite()).connectSqliteRepository(options),
    open: async (options) => (await sqlite()).openSqliteRepository(options),
    backUp: async (options, path) => (await sqlite()).backUpSqliteRepository(options, path),
  },
  mysql: {
    check: async (options) => (await mysql()).checkMysqlRepository(options),
    connect: async (options) => (await mysql()).connectMysqlRepository(options),
    open: async (options) => (await mysql()).openMysqlRepository(options),
    backUp: "use mysqldump or mariadb-dump, with --single-transaction",
  },
};

/** The queue drivers by name. */
export const queues: Readonly<Record<string, Driver<Queue>>> = {
  memory: {
    check: async (options) => (await memoryQueue()).checkMemoryQueue(options),
    connect: () => Promise.resolve(),
    open: async (options) => (await memoryQueue()).openMemoryQueue(options),
  },
  rabbitmq: {
    check: async (options) => (await rabbitmq()).checkRabbitmqQueue(options),
    connect: async (options) => (await rabbitmq()).connectRabbitmqQueue(options),
    open: async (options) => (await rabbitmq()).openRabbitmqQueue(options),
  },
};

/** Checks the options of the repository of that name. Throws `invalid_config`, for an unknown name too. */
export async function checkRepository(name: string, options?: unknown): Promise<void> {
  await findDriver(repositories, name, "repository").check(options);
}

/** Checks the options of the job queue of that name. Throws like {@link checkRepository}. */
export async function checkQueue(name: string, options?: unknown): Promise<void> {
  await findDriver(queues, name, "job queue").check(options);
}

/** Tries to reach the repository of that name, as {@link Driver.connect} says. Throws like {@link openRepository}. */
export async function connectRepository(name: string, options?: unknown): Promise<void> {
  await findDriver(repositories, name, "repository").connect(options);
}

/** Tries to reach the job queue of that name. Throws like {@link openRepository}. */
export async function connectQueue(name: string, options?: unknown): Promise<void> {
  await findDriver(queues, name, "job queue").connect(options);
}

/** Opens the repository of that name. Throws like {@link checkRepository}, and `unavailable`. */
export async function openRepository(name: string, options?: unknown): Promise<Repository> {
  return await findDriver(repositories, name, "repository").open(options);
}

/** Copies what the repository of that name holds to a new file. Throws `invalid_config` where it has none to copy. */
export async function backUpRepository(
  name: string,
  options: unknown,
  path: string,
): Promise<Backup> {
  const { backUp } = findDriver(repositories, name, "repository");
  if (typeof backUp !== "string") return await backUp(options, path);
  throw new ValetError("invalid_config", `Cannot back up the ${name} repository: ${backUp}`);
}

/** Opens the job queue of that name. Throws like {@link openRepository}. */
export async function openQueue(name: string, options?: unknown): Promise<Queue> {
  return await findDriver(queues, name, "job queue").open(options);
}

function findDriver<Found extends Driver<unknown>>(
  table: Readonly<Record<string, Found>>,
  name: string,
  kind: string,
): Found {
  const driver = Object.hasOwn(table, name) ? table[name] : undefined;
  if (driver !== undefined) return driver;
  throw new ValetError(
    "invalid_config",
    `Cannot open the ${kind}: ${name} is not a ${kind} of this build; known: ` +
      Object.keys(table).join(", "),
  );
}
