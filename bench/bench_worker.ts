// The module of a worker that serves the tasks of the bench.

/// <reference lib="deno.worker" />
import { serveTasks } from "../src/executor/worker/task_server.ts";

serveTasks(() => import("./tasks.ts"));
