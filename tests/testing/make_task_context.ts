// The context that a task gets, made for tests that call a task directly.

import type { TaskContext } from "../../src/tasks/task.ts";

/** What the configuration gives a task. */
export type ContextSetup = Partial<Pick<TaskContext, "settings" | "maxResultBytes">>;

/** A context whose log keeps its lines, as `level message`, in `lines`. Default signal: never aborts. */
export function makeTaskContext(
  signal: AbortSignal = new AbortController().signal,
  setup: ContextSetup = {},
): TaskContext & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return {
    signal,
    job: {
      id: "00000000-0000-7000-8000-000000000000",
      name: "test",
      task_name: "test",
      attempt: 1,
    },
    log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    settings: {},
    maxResultBytes: 1_048_576,
    ...setup,
    lines,
  };
}
