// The tasks of this executable. Add yours here: its name, how its module is loaded, the permissions that it has.
// The table is literal, so that `deno compile` embeds every task.

import type { TaskTable } from "../src/tasks/task.ts";

/** Every task that jobs can name, by that name. */
export const tasks: TaskTable = {
  csv_report: { load: () => import("./shipped/csv_report.ts"), permissions: { net: true } },
  dummytask: { load: () => import("./shipped/dummytask.ts") },
  http_request: { load: () => import("./shipped/http_request.ts"), permissions: { net: true } },
};
