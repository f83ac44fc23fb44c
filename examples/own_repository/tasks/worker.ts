// The module of every worker: only it loads the tasks.

import { serveTasks } from "@valet/valet/worker";

serveTasks(() => import("./mod.ts"));
