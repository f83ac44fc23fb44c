// The tasks of this executable. Add yours here: import it and give it a name.
// The table is literal, so that `deno compile` embeds every task and the compiler checks it.

import type { TaskTable } from "../src/tasks/task.ts";
import { csvReport } from "./csv_report.ts";
import { dummytask } from "./dummytask.ts";
import { httpRequest } from "./http_request.ts";

/** Every task that jobs can name, by that name. */
export const tasks: TaskTable = {
  csv_report: csvReport,
  dummytask,
  http_request: httpRequest,
};
