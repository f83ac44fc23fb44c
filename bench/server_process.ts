// Starts the servers that are measured, each in a fresh process on a free port, and talks to them.
// Called by the scenarios.

import { load } from "js-yaml";
import { openConnection } from "./raw_connection.ts";
import { currentSource, type Source } from "./source.ts";
import { memoryStore, type Store } from "./stores.ts";

/** A running server. */
export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** From the start of the process to its first answer. */
  readonly startMs: number;
}

/** Which program to run as Valet. */
export interface ValetOptions {
  /** The shipped executable, or the same with the tasks of the bench. Default: bench. */
  readonly program?: "shipped" | "bench";
  /** Laid over the shipped config.yaml. */
  readonly settings?: Settings;
  /** What accepts connections; ignored by sources that leave no choice. */
  readonly listener?: Listener;
  /** Where its jobs are kept. Default: in memory. */
  readonly store?: Store;
  /** How many finished jobs the repository holds from the start; only with `bench`. Default: 0. */
  readonly storedJobs?: number;
}

/** A part of config.yaml. */
export interface Settings {
  readonly [key: string]: string | number | boolean | Settings;
}

const maxStartMs = 60_000;
/** Enough for every scenario that must not be refused. */
const hugeCapacity = 2_000_000;

/** Settings for a queue that is never full. */
export const unboundedQueue: Settings = {
  job_queue: { memory_job_queue: { capacity: hugeCapacity } },
};

/** What can accept connections. */
export type Listener = "node" | "deno";

/** Whether these sources leave a choice of the listener. */
export async function hasListeners(source: Source): Promise<boolean> {
  return /^[\s#]*listener:/m.test(await readShipped(source));
}

/** Starts a Valet with its shipped configuration and logs, which go nowhere; ready when it answers. */
export async function startValet(
  source: Source,
  options: ValetOptions = {},
): Promise<ServerProcess> {
  const { program = "bench", settings = {}, listener, storedJobs = 0 } = options;
  const { store = memoryStore } = options;
  const port = findFreePort();
  const shipped = load(await readShipped(source)) as Settings;
  const configPath = await Deno.makeTempFile({ suffix: ".yaml" });
  const server = listener !== undefined && await hasListeners(source) ? { listener } : {};
  const config = [store.settings, settings, { port, server }].reduce(merge, shipped);
  // JSON is YAML.
  await Deno.writeTextFile(configPath, JSON.stringify(config));
  const binary = source === currentSource ? Deno.env.get("VALET_BINARY") : undefined;
  const command = program === "shipped" && binary !== undefined ? [binary] : [
    ...denoRun,
    ...leanFlags,
    new URL(program === "shipped" ? "main.ts" : "bench/bench_server.ts", source.root).pathname,
  ];
  const args = [...command.slice(1), "--config", configPath];
  const env = { ...store.env, VALET_BENCH_STORED_JOBS: String(storedJobs) };
  try {
    return await start(command[0]!, args, port, "/health/live", env);
  } finally {
    await Deno.remove(configPath);
  }
}

function readShipped({ root }: Source): Promise<string> {
  return Deno.readTextFile(new URL("config.yaml", root));
}

/** Starts the bare Hono server. */
export async function startBareServer(): Promise<ServerProcess> {
  const port = findFreePort();
  const path = new URL("./bare_server.ts", import.meta.url).pathname;
  return await start(denoRun[0]!, [...denoRun.slice(1), path, String(port)], port, "/");
}

/** What `deno task start` spares memory with; see src/README.md. */
const leanFlags = ["--no-code-cache", "--v8-flags=--no-short-builtin-calls"];

/** With the permissions of `deno task start`. */
const denoRun = [
  Deno.execPath(),
  "run",
  "--quiet",
  "--no-prompt",
  "--allow-env",
  "--allow-net",
  "--allow-read",
  "--allow-sys",
  "--allow-write",
  `--allow-run=${Deno.execPath()}`,
];

const running = new Set<Deno.ChildProcess>();
// A bench that is interrupted must not leave servers behind.
addEventListener("unload", () => {
  for (const child of running) child.kill("SIGKILL");
});

async function start(
  path: string,
  args: string[],
  port: number,
  firstPath: string,
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const startedMs = performance.now();
  const options = { args, env, stdin: "null", stdout: "null", stderr: "inherit" } as const;
  const child = new Deno.Command(path, options).spawn();
  running.add(child);
  let hasEnded = false;
  void child.status.then(() => {
    hasEnded = true;
    running.delete(child);
  });
  while (!await hasAnswered(port, firstPath)) {
    if (hasEnded) throw new Error(`Cannot start ${path} ${args.join(" ")}: it ended`);
    if (performance.now() - startedMs > maxStartMs) {
      child.kill("SIGKILL");
      throw new Error(`Cannot start ${path}: no answer within ${maxStartMs} ms`);
    }
  }
  return {
    port,
    pid: child.pid,
    startMs: performance.now() - startedMs,
    async [Symbol.asyncDispose]() {
      // A runaway or a full queue must not hold up the next scenario.
      child.kill("SIGKILL");
      await child.status;
    },
  };
}

async function hasAnswered(port: number, path: string): Promise<boolean> {
  try {
    const connection = await openConnection(port);
    const request = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
    await connection.exchange(new TextEncoder().encode(request));
    connection.close();
    return true;
  } catch {
    // Not yet: the caller asks until its time is up.
    await new Promise((resolve) => setTimeout(resolve, 1));
    return false;
  }
}

function findFreePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function merge(under: Settings, over: Settings): Settings {
  const merged: Record<string, Settings[string]> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = typeof value === "object" && typeof below === "object" && below !== null
      ? merge(below, value)
      : value;
  }
  return merged;
}

/** The resident memory of a process, in MiB. */
export async function readRssMb(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) / 1024;
}
