// A RabbitMQ broker of the tests' own, on free ports of the loopback interface, that they may kill and
// freeze. Slow to start (about ten seconds): test files that do neither share one, with a queue of its own
// for every test.

import { dirname } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./free_port.ts";
import { needs } from "./needs.ts";
import { freezeProcess, isAlive, waitUntilGone } from "./process_facts.ts";

const [installedServer] = needs.rabbitmq.programs;
const startDeadlineMs = 60_000;
/** The files of a test run have no memory in common, but the environment of their process. */
const sharedVariable = "VALET_TEST_BROKER";

/** A broker that runs; its user is guest, with the password guest. */
export class RabbitmqServer implements AsyncDisposable {
  /** `amqp://guest:guest@127.0.0.1:PORT`: the vhost is `/`. */
  readonly uri: string;
  readonly port: number;
  readonly #place: Place;
  readonly #folder: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #epmdPid: number;
  #pid = 0;

  private constructor(place: Place) {
    const { ports, folder, epmdPid } = place;
    this.port = ports.broker;
    this.uri = `amqp://guest:guest@127.0.0.1:${ports.broker}`;
    this.#place = place;
    this.#folder = folder;
    this.#environment = environmentOf(ports, folder);
    this.#epmdPid = epmdPid;
  }

  /**
   * The broker of the files of this test run, which the first one starts and which ends with the run. Nobody
   * may kill it: other files use it at the same time.
   */
  static async shared(): Promise<RabbitmqServer> {
    const known = Deno.env.get(sharedVariable);
    if (known === undefined) {
      const server = await RabbitmqServer.start();
      Deno.env.set(sharedVariable, JSON.stringify(server.#place));
      return server;
    }
    const server = new RabbitmqServer(JSON.parse(known));
    server.#pid = Number(await Deno.readTextFile(`${server.#folder}/pid`));
    return server;
  }

  /** Starts a fresh broker, with more lines of rabbitmq.conf. Such tests are declared with testNeeding. */
  static async start(settings: readonly string[] = []): Promise<RabbitmqServer> {
    const folder = await Deno.makeTempDir({ prefix: "valet_rabbitmq_" });
    const free = new Set<number>();
    while (free.size < 3) free.add(freePort());
    const [broker, distribution, epmd] = [...free] as [number, number, number];
    const ports = { broker, distribution, epmd };
    await Promise.all(["home", "data", "log"].map((name) => Deno.mkdir(`${folder}/${name}`)));
    await linkPrograms(folder);
    await Deno.writeTextFile(`${folder}/enabled_plugins`, "[].");
    await Deno.writeTextFile(
      `${folder}/rabbitmq.conf`,
      [
        `listeners.tcp.default = 127.0.0.1:${broker}`,
        "disk_free_limit.absolute = 50MB",
        ...settings,
        "",
      ].join("\n"),
    );
    // It names the nodes of this machine. The broker would start one that outlives it.
    const epmdPid = Number(
      await run("sh", ["-c", `epmd -address 127.0.0.1 -port ${epmd} >/dev/null 2>&1 & echo $!`]),
    );
    const server = new RabbitmqServer({ ports, folder, epmdPid });
    // Tests that are killed leave no broker behind.
    const areAtWork = `[ -d ${folder} ] && kill -0 ${Deno.pid}`;
    const kill =
      `[ -d ${folder} ] && kill -9 ${epmdPid} $(cat ${folder}/pid); sleep 1; rm -rf ${folder}`;
    await run("sh", [
      "-c",
      `(while ${areAtWork}; do sleep 1; done; ${kill}) >/dev/null 2>&1 &`,
    ]);
    try {
      await server.startAgain();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** Starts it on the ports and with the data that it had. */
  async startAgain(): Promise<void> {
    const pidPath = `${this.#folder}/pid`;
    const outputPath = `${this.#folder}/output`;
    await Deno.remove(pidPath).catch(() => {}); // The first start has none.
    await run(
      "sh",
      ["-c", `'${programsIn(this.#folder)}/rabbitmq-server' >'${outputPath}' 2>&1 &`],
      {
        ...this.#environment,
      },
    );
    await eventually("RabbitMQ to start", async () => {
      const output = await Deno.readTextFile(outputPath);
      if (/Crash dump|init terminating|ERROR: /.test(output)) throw new Error(output);
      return output.includes("completed with");
    }, startDeadlineMs);
    this.#pid = Number(await Deno.readTextFile(pidPath));
  }

  /** Ends it without a warning, as a crash does. */
  async kill(): Promise<void> {
    Deno.kill(this.#pid, "SIGKILL");
    await waitUntilGone([this.#pid]);
  }

  /** Stops it where it is: its connections stay open, and nothing answers. */
  freeze(): void {
    freezeProcess(this.#pid);
  }

  /** Lets a frozen one go on. */
  thaw(): void {
    Deno.kill(this.#pid, "SIGCONT");
  }

  /** What `rabbitmqctl` answers; it takes a second. */
  control(...args: readonly string[]): Promise<string> {
    return run(`${programsIn(this.#folder)}/rabbitmqctl`, ["--quiet", ...args], this.#environment);
  }

  /** Ends it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of [this.#pid, this.#epmdPid]) if (isAlive(pid)) Deno.kill(pid, "SIGKILL");
    await waitUntilGone([this.#pid, this.#epmdPid]);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** What a file must know of a broker that another one has started. */
interface Place {
  readonly ports: Ports;
  readonly folder: string;
  readonly epmdPid: number;
}

interface Ports {
  readonly broker: number;
  readonly distribution: number;
  readonly epmd: number;
}

function programsIn(folder: string): string {
  return `${folder}/sbin`;
}

/**
 * RabbitMQ without the plugins, of which it enables none: a third of its start goes into the search of its
 * modules in one folder after another.
 */
async function linkPrograms(folder: string): Promise<void> {
  const installed = dirname(dirname(await Deno.realPath(installedServer)));
  await Promise.all(
    ["sbin", "escript"].map((name) => Deno.symlink(`${installed}/${name}`, `${folder}/${name}`)),
  );
  await Deno.mkdir(`${folder}/plugins`);
  for await (const { name } of Deno.readDir(`${installed}/plugins`)) {
    if (name.startsWith("rabbitmq_") && !name.startsWith("rabbitmq_prelaunch")) continue;
    await Deno.symlink(`${installed}/plugins/${name}`, `${folder}/plugins/${name}`);
  }
}

function environmentOf(ports: Ports, folder: string): Record<string, string> {
  return {
    HOME: `${folder}/home`,
    RABBITMQ_SCRIPTS_DIR: programsIn(folder),
    RABBITMQ_NODENAME: `valet_${ports.broker}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(ports.broker),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_MNESIA_BASE: `${folder}/data`,
    RABBITMQ_LOG_BASE: `${folder}/log`,
    RABBITMQ_PID_FILE: `${folder}/pid`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${folder}/enabled_plugins`,
    RABBITMQ_CONF_ENV_FILE: "/dev/null",
    RABBITMQ_CONFIG_FILE: `${folder}/rabbitmq.conf`,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
  };
}

/** The output of a program, which must succeed. */
async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const command = new Deno.Command(program, { args: [...args], env, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`${program} ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
}
