// The tasks of this repository: name, module, permissions.

import type { TaskTable } from "@valet/valet/task";

export const tasks: TaskTable = {
  word_count: { load: () => import("./word_count.ts") },
};
