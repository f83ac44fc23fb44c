// Jobs of tasks with different permissions in turns, as they come in real life: how fast they run beside the same
// number of jobs of one such task, and how many workers are started for them once each task has one.

import type { Figure } from "../figure.ts";
import { runLoad } from "../run_load.ts";
import { type ServerProcess, startValet, unboundedQueue } from "../server_process.ts";
import type { Source } from "../source.ts";
import { closeGate, waitForCount } from "../valet_client.ts";

const concurrency = 2;
const setCounts = [3, 12];

const loads = [
  { title: "10 ms tasks", params: { ms: 10 }, jobCount: 600 },
  { title: "no-op tasks", params: {}, jobCount: 100_000 },
];

/** Measures mixes of quick and of short tasks, of few and of many sets of permissions. */
export async function measureMixed(source: Source): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const load of loads) {
    for (const setCount of setCounts) figures.push(...await measureMix(source, load, setCount));
  }
  return figures;
}

/** On a server of its own: the jobs that it has kept of an earlier measurement would slow it down. */
async function measureMix(
  source: Source,
  { title, params, jobCount }: typeof loads[number],
  setCount: number,
): Promise<Figure[]> {
  await using server = await startValet(source, {
    settings: { ...unboundedQueue, worker_pool: { concurrency } },
  });
  // An older commit has no such tasks.
  if (!await hasTask(server, "mix_0")) return [];
  let completed = 0;
  /** The jobs/s of so many waiting jobs of the first tasks, in turns. */
  async function drain(taskCount: number, count: number): Promise<number> {
    const body = Array.from(
      { length: taskCount },
      (_, set) => JSON.stringify({ name: "bench", task_name: `mix_${set}`, task_params: params }),
    );
    const openGate = await closeGate(server, concurrency);
    const { port } = server;
    const load = { port, method: "POST", paths: ["/jobs"], body, connections: 8 } as const;
    await runLoad({ ...load, count }, 202);
    const startedAtMs = performance.timeOrigin + performance.now();
    await openGate();
    completed += count;
    return count * 1000 / (await waitForCount(server, "COMPLETED", completed) - startedAtMs);
  }

  const singleRate = await drain(1, jobCount);
  // So that each of them has its worker, also what held the jobs back until now.
  await drain(setCount, setCount * 10);
  const startedBefore = await countStarted(server);
  const mixedRate = await drain(setCount, jobCount);
  const startedCount = await countStarted(server) - startedBefore;
  const name = `${title} with ${setCount} sets of permissions in turns`;
  const plain = `${Math.round(mixedRate)} /s, with one set ${Math.round(singleRate)} /s`;
  return [
    { name, plain, value: mixedRate / singleRate, unit: "x" },
    {
      name: `workers started for ${name}`,
      plain,
      value: startedCount,
      unit: "workers",
      isLessBetter: true,
    },
  ];
}

async function hasTask({ port }: ServerProcess, name: string): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/tasks`);
  const { tasks } = await response.json() as { tasks: { name: string }[] };
  return tasks.some((task) => task.name === name);
}

/** How many workers the server has started since it started. */
async function countStarted({ port }: ServerProcess): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/status`);
  const { workers } = await response.json() as { workers: { started: number } };
  return workers.started;
}
