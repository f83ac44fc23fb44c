// A PostgreSQL server of the run's own, for pg, postgres and drizzle-orm.

import { dirname } from "node:path";
import { findProgram, needs } from "../../testing/needs.ts";
import type { LocalServer } from "./mod.ts";
import { startProcess, type User } from "./process.ts";

const host = "127.0.0.1";
/** The administrator of the server, who needs no password. */
const administrator = "valet";

/** Starts an empty server. Its params: `host`, `port`, `user` and `database`. */
export async function startPostgres(): Promise<LocalServer> {
  const initdb = findProgram(needs.postgresql.programs[0]);
  if (initdb === null) throw new Error("Cannot start PostgreSQL: it is not installed");
  const user = await unprivilegedUser();
  const server = await startProcess({
    title: "PostgreSQL",
    program: `${dirname(initdb)}/postgres`,
    user,
    prepare: (folder) => makeData(initdb, folder, user),
    args: (folder, port) => [
      ...["-D", `${folder}/data`],
      ...["-h", host, "-p", `${port}`, "-k", folder],
      "-F", // Its data need not outlive the server: no fsync.
    ],
    readyText: "database system is ready to accept connections",
  });
  return {
    params: { host, port: server.port, user: administrator, database: "postgres" },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The user that came with its package, if this process is root's: PostgreSQL refuses to run as root. */
async function unprivilegedUser(): Promise<User | undefined> {
  if (Deno.uid() !== 0) return undefined;
  const users = await Deno.readTextFile("/etc/passwd");
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(users) ?? [];
  if (uid === undefined) throw new Error("Cannot start PostgreSQL: there is no user postgres");
  return { uid: Number(uid), gid: Number(gid) };
}

async function makeData(initdb: string, folder: string, user: User | undefined): Promise<void> {
  const { success, stderr } = await new Deno.Command(initdb, {
    args: [
      `--pgdata=${folder}/data`,
      `--username=${administrator}`,
      "--auth=trust",
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync",
    ],
    cwd: folder,
    ...user,
    stdin: "null",
  }).output();
  if (!success) throw new Error(`initdb failed:\n${new TextDecoder().decode(stderr)}`);
}
