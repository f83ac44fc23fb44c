// Tasks that do the same with different permissions, and a pool for them. For tests of the executor.

import { fileURLToPath } from "node:url";
import { describeTasks } from "../../src/executor/host/describe_tasks.ts";
import type { PoolOptions } from "../../src/executor/host/pool_options.ts";
import type { Run } from "../../src/executor/host/run.ts";
import { makeRun } from "./make_run.ts";
import { PoolProbe } from "./pool_probe.ts";
import { withTasks } from "./task_folder.ts";

/** The module of each: it waits `params.ms` milliseconds, 0: not at all, or until its signal aborts. */
const moduleText = `export default async ({ ms }, { signal, log }) => {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  if (ms === undefined) {
    log.info("waiting");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
};
`;

const runnerUrl = import.meta.resolve("../../src/executor/host/runner.ts");
const runnerText = `import { serveRunner } from "${runnerUrl}";
await serveRunner(new URL("./worker.ts", import.meta.url));
`;
const configPath = fileURLToPath(import.meta.resolve("../../deno.json"));

/** A pool of tasks `task0`, `task1` and so on, each with a set of permissions of its own. */
export interface MixedPool {
  readonly probe: PoolProbe;
  /** A run of the task with that number. */
  makeRun(task: number, ms?: number): Run;
  /** The folder of `mod.ts` and of the module of each task: `task0.ts` and so on. */
  readonly folder: string;
  /** What a module holds when the pool is opened. */
  readonly moduleText: string;
}

/** Opens a pool for so many sets and runs `use` with it. */
export function withMixedPool(
  setCount: number,
  options: Partial<PoolOptions>,
  use: (pool: MixedPool) => Promise<void>,
): Promise<void> {
  const numbers = Array.from({ length: setCount }, (_, number) => number);
  const entries = numbers.map((number) => {
    const permissions = number === 0 ? {} : { net: [`host${number}.example.com`] };
    return `task${number}: { load: () => import("./task${number}.ts"), permissions: ${
      JSON.stringify(permissions)
    } }`;
  });
  const files = {
    "runner.ts": runnerText,
    "mod.ts": `export const tasks = { ${entries.join(", ")} };`,
    ...Object.fromEntries(numbers.map((number) => [`task${number}.ts`, moduleText])),
  };
  return withTasks(files, async (workerUrl, folder) => {
    const { tasks } = await describeTasks(workerUrl);
    const runnerCommand = {
      path: Deno.execPath(),
      args: ["run", "--quiet", "--no-prompt", "--allow-all", "--config", configPath].concat(
        `${folder}/tasks/runner.ts`,
      ),
    };
    await using probe = new PoolProbe({ tasks, workerUrl, runnerCommand, ...options });
    await use({
      probe,
      folder: `${folder}/tasks`,
      moduleText,
      makeRun(number, ms) {
        const task = tasks.get(`task${number}`)!;
        const run = makeRun("ok", { ms });
        return { ...run, task, job: { ...run.job, taskName: task.name } };
      },
    });
  });
}
