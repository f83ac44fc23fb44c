// All fault tests in one module, because they share a broker. Run by tools/run_faults.ts: its name keeps it
// out of `deno task test`.

import "./random_faults.ts";
import "./node_faults.ts";
