// A Redis server of the run's own, for ioredis.

import { needs } from "../../testing/needs.ts";
import type { LocalServer } from "./mod.ts";
import { startProcess } from "./process.ts";

/** Starts an empty server that stores nothing on disk. Its params: `host` and `port`. */
export async function startRedis(): Promise<LocalServer> {
  const host = "127.0.0.1";
  const server = await startProcess({
    title: "Redis",
    program: needs.redis.programs[0],
    args: (folder, port) => ["--bind", host, "--port", `${port}`, "--dir", folder, "--save", ""],
    readyText: "Ready to accept connections",
  });
  return {
    params: { host, port: server.port },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
