// Starts a thread, which no task may: what piscina and the transports of pino do.

import { Worker } from "node:worker_threads";

/** Needs no params. */
export default function run() {
  new Worker("1", { eval: true });
}
