// What no task can do, whatever it declares, and what its job says then. See cases.ts.

import type { RefusedCase } from "./cases.ts";

/** By package. */
export const refusedCases: readonly RefusedCase[] = [
  {
    packageName: "sharp",
    did: "loads a native module, after it was given what else it asks for",
    reason: "which no task can have: a task loads no native code; use a package without it, " +
      "or a service over HTTP",
    remark: "`jimp`",
  },
  {
    packageName: "node:child_process",
    task: "spawns",
    did: "starts ffmpeg",
    reason: 'needs run access to "ffmpeg", which no task can have: a task starts no program; ' +
      "let a service of its own do that, and call it over HTTP",
    remark: "the program behind a small HTTP service",
  },
  {
    packageName: "node:worker_threads",
    task: "worker_threads",
    did: "starts a thread",
    reason:
      "Worker() is not available to a task: work that needs a thread or a process of its own " +
      "belongs into a service, called over HTTP",
    remark: "more jobs: they run side by side",
  },
];
