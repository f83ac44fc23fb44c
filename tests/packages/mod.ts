// The tasks of the package corpus: one package each, with just the permissions that it needs.
// A row of docs/packages.md shows the permissions as they stand here; cases.ts says what each task is given.

import type { TaskTable } from "../../src/tasks/task.ts";

/** The one folder that tasks may read or write. run.ts makes it anew. */
const folder = new URL("./scratch", import.meta.url).pathname;

/** Every task of the corpus, named as its package, in snake case. */
export const tasks: TaskTable = {
  axios: { load: () => import("./tasks/axios.ts"), permissions: { net: ["127.0.0.1"] } },
  fs_extra: {
    load: () => import("./tasks/fs_extra.ts"),
    permissions: { read: [folder], write: [folder] },
  },
};
