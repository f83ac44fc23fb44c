// The mysql repository on a MariaDB server of its own: the conformance suite.

import { openMysqlRepository } from "../../../../drivers/repositories/mysql/repository.ts";
import type { Repository } from "../../../../src/jobs/repository.ts";
import { repositoryConformance } from "../../../conformance/repository.ts";
import { type MariadbServer, startMariadb } from "../../../testing/mariadb_server.ts";
import { testNeeding } from "../../../testing/needs.ts";

const test = testNeeding("mariadb");
let server: MariadbServer;
const dsns = new WeakMap<Repository, string>();

test.beforeAll(async () => {
  server = await startMariadb();
});

test.afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function open(dsn: string): Promise<Repository> {
  const repository = await openMysqlRepository({ dsn });
  dsns.set(repository, dsn);
  return repository;
}

repositoryConformance({
  name: "mysql",
  declare: test,
  open: async () => await open(await server.createDatabase()),
  openSecond: async (repository) => await open(dsns.get(repository)!),
  async reopen(repository) {
    await repository.close();
    return await open(dsns.get(repository)!);
  },
  modelRuns: 20,
});
