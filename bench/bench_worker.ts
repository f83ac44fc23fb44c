// The module of a worker that serves the tasks of the bench.

/// <reference lib="deno.worker" />
import "../src/executor/worker/lockdown.ts";
import { serveTasks } from "../src/executor/worker/task_server.ts";
import { tasks } from "./tasks.ts";

serveTasks(tasks);
