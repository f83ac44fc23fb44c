// What no task can do, whatever it declares, and what its job says then. See cases.ts.

import type { RefusedCase } from "./cases.ts";

/** By package. */
export const refusedCases: readonly RefusedCase[] = [];
