// The registry: every driver of this build by the name that config.yaml gives it. Called by main.ts.
// The tables are literal so that `deno compile` embeds every driver, and the imports lazy so that
// only the chosen ones are loaded.

import { ValetError } from "../src/errors.ts";
import type { Queue } from "../src/queue.ts";
import type { Repository } from "../src/repository.ts";

/** Opens a driver. Each one parses its own options and says in its doc comment what they are. */
export type OpenDriver<Port> = (options?: unknown) => Promise<Port>;

/** The repository drivers by name. */
export const repositories: Readonly<Record<string, OpenDriver<Repository>>> = {
  memory: async (options) =>
    (await import("./repositories/memory.ts")).openMemoryRepository(options),
  sqlite: async (options) =>
    (await import("./repositories/sqlite.ts")).openSqliteRepository(options),
  mysql: async (options) => (await import("./repositories/mysql.ts")).openMysqlRepository(options),
};

/** The queue drivers by name. */
export const queues: Readonly<Record<string, OpenDriver<Queue>>> = {
  memory: async (options) => (await import("./queues/memory.ts")).openMemoryQueue(options),
  rabbitmq: async (options) => (await import("./queues/rabbitmq.ts")).openRabbitmqQueue(options),
};

/**
 * Opens the repository of that name.
 *
 * @throws ValetError `invalid_config` for an unknown name or options that the driver refuses,
 * `unavailable` where its server cannot be reached.
 */
export async function openRepository(name: string, options?: unknown): Promise<Repository> {
  return await findDriver(repositories, name, "repository")(options);
}

/** Opens the job queue of that name. Throws like {@link openRepository}. */
export async function openQueue(name: string, options?: unknown): Promise<Queue> {
  return await findDriver(queues, name, "job queue")(options);
}

function findDriver<Port>(
  table: Readonly<Record<string, OpenDriver<Port>>>,
  name: string,
  kind: string,
): OpenDriver<Port> {
  const open = Object.hasOwn(table, name) ? table[name] : undefined;
  if (open !== undefined) return open;
  throw new ValetError(
    "invalid_config",
    `Cannot open the ${kind}: ${name} is not a ${kind} of this build; known: ` +
      Object.keys(table).join(", "),
  );
}
