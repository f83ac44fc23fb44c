// The packages that need no server, or one of a few lines. See cases.ts.

import type { PackageCase } from "./cases.ts";

/** By package. */
export const localCases: readonly PackageCase[] = [
  {
    packageName: "axios",
    did: "posts JSON, follows a redirect, reads a 404",
    server: "http",
    expected: { echoed: { name: "axios", sum: 3 }, redirectedTo: "/hello", missing: 404 },
  },
  {
    packageName: "fs-extra",
    did: "writes, copies, moves and removes files",
    expected: { copied: { name: "fs-extra" }, moved: true, left: ["moved.json"] },
  },
];
