// The packages that talk to a server of their own kind: databases, mail, cloud services. See cases.ts.

import type { PackageCase } from "./cases.ts";

/** By package. */
export const serverCases: readonly PackageCase[] = [];
