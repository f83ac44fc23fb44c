// The stores that are measured: each time fresh, on servers that are started when the first scenario
// needs them and stopped at the end of the bench.

import { type MariadbServer, startMariadb } from "../tests/testing/mariadb_server.ts";
import { RabbitmqServer } from "../tests/testing/rabbitmq_server.ts";
import type { Settings } from "./server_process.ts";

/** Every store, in the order of the table. */
export const storeNames = ["memory", "SQLite", "MySQL", "MySQL + RabbitMQ"] as const;

/** One of {@link storeNames}. */
export type StoreName = typeof storeNames[number];

/** Where a server keeps its jobs. */
export interface Store extends AsyncDisposable {
  readonly settings: Settings;
  readonly env: Readonly<Record<string, string>>;
}

/** The store of a node that needs none. */
export const memoryStore: Store = {
  settings: { repository: { option: "memory" } },
  env: {},
  async [Symbol.asyncDispose]() {},
};

let mariadb: Promise<MariadbServer> | undefined;
let rabbitmq: Promise<RabbitmqServer> | undefined;
let count = 0;

/** An empty store of that kind. */
export async function openStore(name: StoreName): Promise<Store> {
  if (name === "memory") return memoryStore;
  if (name === "SQLite") return await openSqlite();
  const dsn = await (await (mariadb ??= startMariadb())).createDatabase();
  const mysql = { repository: { option: "mysql" } };
  if (name === "MySQL") return { ...memoryStore, settings: mysql, env: { MYSQL_DSN: dsn } };
  const { uri } = await (rabbitmq ??= RabbitmqServer.start());
  const job_queue = { option: "rabbitmq", rabbitmq: { queue_name: `bench_${++count}` } };
  return {
    ...memoryStore,
    settings: { ...mysql, job_queue },
    env: { MYSQL_DSN: dsn, RABBITMQ_URI: uri },
  };
}

/** Kills a server that was started, and starts it again; returns when it is ready. */
export async function restartServer(name: "MySQL" | "RabbitMQ"): Promise<void> {
  const server = await (name === "MySQL" ? mariadb : rabbitmq);
  await server!.kill();
  await ("startAgain" in server! ? server.startAgain() : server!.start());
}

/** Stops the servers that were started. */
export async function stopServers(): Promise<void> {
  await (await mariadb)?.[Symbol.asyncDispose]();
  await (await rabbitmq)?.[Symbol.asyncDispose]();
}

async function openSqlite(): Promise<Store> {
  const folder = await Deno.makeTempDir({ prefix: "valet_bench_" });
  return {
    settings: { repository: { option: "sqlite", sqlite: { path: `${folder}/valet.db` } } },
    env: {},
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
    },
  };
}
