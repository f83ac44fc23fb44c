// A MariaDB server of the run's own, for mysql2 and knex.

import { startMariadb } from "../../testing/mariadb_server.ts";
import type { LocalServer } from "./mod.ts";

/** Starts an empty server. Its params: `host`, `port`, `user`, `password` and `database`. */
export async function startMariadbServer(): Promise<LocalServer> {
  const server = await startMariadb();
  const [user, password, database] = ["tasks", "secret", "tasks"];
  await server.query(`CREATE DATABASE ${database}`);
  await server.query(`CREATE USER ${user} IDENTIFIED BY '${password}'`);
  await server.query(`GRANT ALL ON ${database}.* TO ${user}`);
  return {
    params: { host: "127.0.0.1", port: server.port, user, password, database },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
