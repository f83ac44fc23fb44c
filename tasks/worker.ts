// The module of every worker thread: locks the globals down, loads the tasks, serves runs.
// The order of the imports matters: no task code may be evaluated before the lockdown.

/// <reference lib="deno.worker" />
import "../src/executor/worker/lockdown.ts";
import { serveTasks } from "../src/executor/worker/task_server.ts";
import { tasks } from "./mod.ts";

serveTasks(tasks);
