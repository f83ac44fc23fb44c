// The pairs of a repository and a queue that Valet runs on, and what a node needs to run on one of them: real
// servers of the tests' own. Used by the end-to-end tests.

import { type MariadbServer, startMariadb } from "./mariadb_server.ts";
import { isInstalled, testNeeding } from "./needs.ts";
import { RabbitmqServer } from "./rabbitmq_server.ts";

/** A repository and a queue, by their names in the configuration. */
export interface StorePair {
  readonly repository: "memory" | "sqlite" | "mysql";
  readonly queue: "memory" | "rabbitmq";
}

/** How a node finds its stores: parts of its configuration and of its environment. */
export interface Stores {
  readonly config: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
}

/** Every pair, those without a server first. */
export const storePairs: readonly StorePair[] = (["memory", "rabbitmq"] as const).flatMap((queue) =>
  (["memory", "sqlite", "mysql"] as const).map((repository) => ({ repository, queue }))
);

/** `Deno.test` for a test that runs on that pair. */
export function testOn({ repository, queue }: StorePair): typeof Deno.test {
  return testNeeding(
    ...(repository === "mysql" ? ["mariadb"] as const : []),
    ...(queue === "rabbitmq" ? ["rabbitmq"] as const : []),
  );
}

/** How many jobs a memory queue of these tests holds: so few that they fill it. */
export const memoryQueueCapacity = 10;

/** Fresh stores for the tests of one file; with a MariaDB of its own and the broker of all. */
export class StoreServers implements AsyncDisposable {
  #mariadb: Promise<MariadbServer> | undefined;
  readonly #folders: string[] = [];

  /** The server of all mysql repositories. */
  mariadb(): Promise<MariadbServer> {
    return this.#mariadb ??= startMariadb();
  }

  /** Starts what may be needed and is there: tests that start a server themselves would seem to leak it. */
  async start(): Promise<void> {
    await Promise.all([
      isInstalled("mariadb") ? this.mariadb() : undefined,
      isInstalled("rabbitmq") ? RabbitmqServer.shared() : undefined,
    ]);
  }

  /** An empty repository and an empty queue. */
  async create({ repository, queue }: StorePair): Promise<Stores> {
    const env: Record<string, string> = {};
    const config: Record<string, unknown> = {
      repository: { option: repository },
      job_queue: { option: queue, memory_job_queue: { capacity: memoryQueueCapacity } },
    };
    if (repository === "sqlite") {
      const folder = await Deno.makeTempDir({ prefix: "valet_e2e_" });
      this.#folders.push(folder);
      config["repository"] = { option: repository, sqlite: { path: `${folder}/valet.db` } };
    }
    if (repository === "mysql") env["MYSQL_DSN"] = await (await this.mariadb()).createDatabase();
    if (queue === "rabbitmq") {
      env["RABBITMQ_URI"] = (await RabbitmqServer.shared()).uri;
      config["job_queue"] = {
        option: queue,
        rabbitmq: { queue_name: `e2e ${crypto.randomUUID()}` },
      };
    }
    return { config, env };
  }

  /** Ends what belongs to this file and removes all that it has stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const folder of this.#folders) await Deno.remove(folder, { recursive: true });
    await (await this.#mariadb)?.[Symbol.asyncDispose]();
  }
}
