// A MariaDB server of a test's own on a free port of loopback, which the test may kill, freeze and start again.
// Called by the tests of the mysql driver. Such tests are declared with testNeeding.

import { dirname } from "node:path";
import { type Connection, createConnection } from "mysql2";
import { freePort } from "./free_port.ts";
import { freezeProcess } from "./process_facts.ts";
import { within } from "./within.ts";

/** A private server. Everything in it is gone with `[Symbol.asyncDispose]`. */
export interface MariadbServer extends AsyncDisposable {
  readonly port: number;
  /** A DSN of a new, empty database; `parameters` such as `readTimeout=1s&timeout=1s`. */
  createDatabase(parameters?: string): Promise<string>;
  /** Runs statements as the administrator, in the database of that DSN if there is one; their last rows. */
  query(sql: string, dsn?: string): Promise<Record<string, unknown>[]>;
  /** Ends the server as a power cut would. */
  kill(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Starts it again, on the same port and data. Returns when it answers. */
  start(): Promise<void>;
  /** Stops it in the middle of whatever it does: it answers nobody, and keeps its connections. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
}

/** How to start a server. */
export interface MariadbOptions {
  /** More of what `mariadbd` is started with. */
  readonly args?: readonly string[];
}

const user = "valet";
const password = "p@ss:w/rd";
// As root it says whom it runs as, or it refuses to.
const owner = Deno.uid() === 0 ? ["--user=root"] : [];
const redoLogSize = "--innodb-log-file-size=32M";
const running = new Map<Deno.ChildProcess, string>();
// A test run that is interrupted must leave neither servers nor their folders behind.
addEventListener("unload", () => {
  for (const child of running.keys()) child.kill("SIGKILL");
  for (const folder of running.values()) Deno.removeSync(folder, { recursive: true });
});

/** Starts a server with an empty data directory. */
export async function startMariadb({ args = [] }: MariadbOptions = {}): Promise<MariadbServer> {
  const folder = await Deno.makeTempDir({ prefix: "valet-mariadb-" });
  const port = freePort();
  await Deno.mkdir(`${folder}/tmp`);
  await makeData(folder);
  await Deno.writeTextFile(
    `${folder}/init.sql`,
    `CREATE USER IF NOT EXISTS '${user}'@'%' IDENTIFIED BY '${password}';\n` +
      `GRANT ALL ON *.* TO '${user}'@'%' WITH GRANT OPTION;\n`,
  );
  const command = new Deno.Command("mariadbd", {
    args: [
      "--no-defaults",
      ...owner,
      `--datadir=${folder}/data`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      `--socket=${folder}/my.sock`,
      `--pid-file=${folder}/my.pid`,
      `--tmpdir=${folder}/tmp`,
      "--skip-name-resolve",
      `--log-error=${folder}/err.log`,
      `--init-file=${folder}/init.sql`,
      "--innodb-buffer-pool-size=64M",
      redoLogSize,
      "--performance-schema=OFF",
      "--max-connections=300",
      ...args,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  let child: Deno.ChildProcess | undefined;
  let databaseCount = 0;

  const query = async (sql: string, dsn?: string) => {
    const database = dsn?.replace(/^.*\/|\?.*$/gs, "");
    return await ask({ port, database }, sql);
  };
  const end = async (signal: Deno.Signal) => {
    if (child === undefined) return;
    child.kill(signal);
    await within(child.status, `the end of MariaDB after ${signal}`);
    running.delete(child);
    child = undefined;
  };
  const start = async () => {
    child = command.spawn();
    running.set(child, folder);
    let hasEnded = false;
    void child.status.then(() => hasEnded = true);
    const answers = async () => {
      for (;;) {
        const error = await query("SELECT 1").then(() => undefined, (thrown) => thrown);
        if (error === undefined) return;
        if (hasEnded) throw error;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    try {
      await within(answers(), "the start of MariaDB");
    } catch (thrown) {
      const log = await Deno.readTextFile(`${folder}/err.log`).catch(String);
      throw new Error(`MariaDB does not start:\n${log.slice(-2000)}`, { cause: thrown });
    }
  };
  await start();
  return {
    port,
    async createDatabase(parameters = "") {
      const database = `valet_${++databaseCount}`;
      await query(`CREATE DATABASE ${database}`);
      return `${user}:${password}@tcp(127.0.0.1:${port})/${database}?${parameters}`;
    },
    query,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    start,
    freeze: () => {
      if (child !== undefined) freezeProcess(child.pid);
    },
    thaw: () => child?.kill("SIGCONT"),
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Makes an empty data directory. That takes a second, so a copy of it is kept for the next server. */
async function makeData(folder: string): Promise<void> {
  const { stdout } = await new Deno.Command("mariadbd", { args: ["--version"] }).output();
  const version = new TextDecoder().decode(stdout).replace(/\W+/g, "_");
  const kept = `${dirname(folder)}/valet-mariadb-${Deno.uid()}-${version}`;
  const copy = (from: string, to: string) => run("cp", ["-r", "--sparse=always", from, to]);
  if (await Deno.stat(kept).then(() => true, () => false)) return copy(kept, `${folder}/data`);
  await run("mariadb-install-db", [
    "--no-defaults",
    ...owner,
    `--datadir=${folder}/data`,
    // A server that starts removes the temporary tables that it finds, also those of another one.
    `--tmpdir=${folder}/tmp`,
    redoLogSize,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    "--skip-name-resolve",
  ]);
  await copy(`${folder}/data`, `${folder}/kept`);
  // Another file of the same run may have been first.
  await Deno.rename(`${folder}/kept`, kept).catch(() => {});
}

async function ask(
  { port, database }: { port: number; database: string | undefined },
  sql: string,
): Promise<Record<string, unknown>[]> {
  const connection: Connection = createConnection({
    host: "127.0.0.1",
    port,
    user,
    password,
    ...(database === undefined ? {} : { database }),
  });
  try {
    return await new Promise((resolve, reject) => {
      connection.on("error", reject);
      connection.query(sql, (error, rows) => {
        if (error) reject(error);
        else resolve(rows as Record<string, unknown>[]);
      });
    });
  } finally {
    await new Promise<void>((resolve) => {
      connection.on("error", () => resolve());
      connection.end(() => resolve());
    });
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const command = new Deno.Command(program, { args: [...args], stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  if (success) return;
  const decoder = new TextDecoder();
  throw new Error(`${program} failed:\n${decoder.decode(stderr)}${decoder.decode(stdout)}`);
}
