// How many workers a node keeps at most: enough for every set of permissions, as far as there is memory for them.
// Called by src/node/node.ts.

import type { WorkerPoolConfig } from "../config/shape.ts";
import { permissionsKey } from "../tasks/permissions.ts";
import type { TaskDescription } from "../tasks/description.ts";

/** What an idle worker may take: a thread, and a process of its own. */
const workerBytes = { worker: 32 * 1024 * 1024, process: 64 * 1024 * 1024 };
/** The part of the memory that workers may take. */
const memoryShare = 1 / 4;

/** The limit where the configuration has none. */
export async function defaultMaxWorkers(
  tasks: ReadonlyMap<string, TaskDescription>,
  pool: Pick<WorkerPoolConfig, "concurrency" | "isolation" | "jobsPerWorker">,
): Promise<number> {
  const sets = new Set([...tasks.values()].map(({ permissions }) => permissionsKey(permissions)));
  return workersFor(sets.size, pool, await readMemoryBytes());
}

/** One for each set and as many as `concurrency` needs, where the memory is enough; never fewer than it needs. */
export function workersFor(
  setCount: number,
  { concurrency, isolation, jobsPerWorker }: Parameters<typeof defaultMaxWorkers>[1],
  memoryBytes: number,
): number {
  const needed = Math.ceil(concurrency / jobsPerWorker);
  const affordable = Math.floor(memoryBytes * memoryShare / workerBytes[isolation]);
  return Math.max(needed, Math.min(setCount + needed, affordable));
}

/** The memory of the machine, or of the container; Infinity: not known. */
async function readMemoryBytes(): Promise<number> {
  return Math.min(readMachineBytes(), await readContainerBytes());
}

function readMachineBytes(): number {
  try {
    return Deno.systemMemoryInfo().total;
  } catch {
    // Without the permission, or where the system does not tell.
    return Infinity;
  }
}

/** As an import: to read a file below /sys, Deno asks for all permissions. */
async function readContainerBytes(): Promise<number> {
  const path = "file:///sys/fs/cgroup/memory.max";
  try {
    const { default: text } = await import(path, { with: { type: "text" } });
    return /^\d+\s*$/.test(text) ? Number(text) : Infinity;
  } catch {
    // Only Linux has the file.
    return Infinity;
  }
}
