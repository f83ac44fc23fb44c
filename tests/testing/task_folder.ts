// A folder with a table of tasks, their modules and the module of their workers, written for one test.

import { withFolder } from "./with_folder.ts";

const serverUrl = import.meta.resolve("../../src/executor/worker/task_server.ts");

/**
 * Writes `tasks/worker.ts` and these files of `tasks/` to a new folder and runs `use` with the URL of the worker's
 * module. A table is written in whole as `mod.ts`.
 */
export function withTasks<T>(
  files: Readonly<Record<string, string>>,
  use: (workerUrl: URL, folder: string) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/tasks`);
    const worker =
      `import { serveTasks } from "${serverUrl}";\nserveTasks(() => import("./mod.ts"));\n`;
    for (const [name, text] of Object.entries({ "worker.ts": worker, ...files })) {
      await Deno.writeTextFile(`${folder}/tasks/${name}`, text);
    }
    return await use(new URL(`file://${folder}/tasks/worker.ts`), folder);
  });
}
