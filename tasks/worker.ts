// The module of every worker. The table of tasks is loaded by the task server, once the globals are locked down.

import { serveTasks } from "../src/executor/worker/task_server.ts";

serveTasks(() => import("./mod.ts"));
