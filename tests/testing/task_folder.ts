// A folder with a table of tasks, their modules and the module of their workers, written for one test.

import { dirname } from "node:path";
import { withFolder } from "./with_folder.ts";

const serverUrl = import.meta.resolve("../../src/executor/worker/task_server.ts");
const workerText =
  `import { serveTasks } from "${serverUrl}";\nserveTasks(() => import("./mod.ts"));\n`;

/**
 * Writes `tasks/worker.ts` and these files of `tasks/` to a new folder and runs `use` with the URL of the worker's
 * module. A table is written in whole as `mod.ts`.
 */
export function withTasks<T>(
  files: Readonly<Record<string, string>>,
  use: (workerUrl: URL, folder: string) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder) => {
    for (const [name, text] of Object.entries({ "worker.ts": workerText, ...files })) {
      const path = `${folder}/tasks/${name}`;
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    return await use(new URL(`file://${folder}/tasks/worker.ts`), folder);
  });
}
