// What no task can do, whatever it declares, and what its job says then. See cases.ts.

import type { RefusedCase } from "./cases.ts";

/** By package. */
export const refusedCases: readonly RefusedCase[] = [
  {
    packageName: "node:child_process",
    task: "spawns",
    did: "starts a program",
    reason: "needs run access to",
    remark: "a small HTTP service beside Valet that runs the program, which the task calls",
  },
  {
    packageName: "sharp",
    did: "loads a native module",
    reason: "needs ffi access to",
    remark: "a package without native code, such as jimp; or an HTTP service, such as imgproxy",
  },
];
