// What a node costs that does nothing: the memory it holds, and the time it takes to start. With
// VALET_BINARY=<path> it is the compiled binary that is measured.

import type { Figure } from "../figure.ts";
import { readRssMb, startValet, type ValetOptions } from "../server_process.ts";
import type { Source } from "../source.ts";
import { sleep } from "../valet_client.ts";

const startCount = 7;
const idleMs = 3_000;
const shipped: ValetOptions = {
  program: "shipped",
  settings: { worker_pool: { concurrency: 2 } },
};

/** Measures idle memory and start-up time. */
export async function measureFootprint(source: Source): Promise<Figure[]> {
  const how = Deno.env.get("VALET_BINARY") === undefined ? "from source" : "compiled";
  // The first start finds cold caches; it is not one of those that count, and is measured for memory.
  const rssMb = await measureIdleRssMb(source);
  const startsMs: number[] = [];
  while (startsMs.length < startCount) startsMs.push(await measureStartMs(source));
  startsMs.sort((one, other) => one - other);
  const [fastest, slowest] = [startsMs[0]!, startsMs.at(-1)!].map((ms) => ms.toFixed(0));
  return [
    {
      name: `idle memory with two warm workers, ${how}`,
      plain: `VmRSS after ${idleMs / 1000} s`,
      value: rssMb,
      unit: "MB",
      isLessBetter: true,
    },
    {
      name: `start to first answer, ${how}`,
      plain: `median of ${startCount}, ${fastest} to ${slowest} ms`,
      value: startsMs[Math.floor(startCount / 2)]!,
      unit: "ms",
      isLessBetter: true,
    },
  ];
}

async function measureIdleRssMb(source: Source): Promise<number> {
  await using server = await startValet(source, shipped);
  await sleep(idleMs);
  return await readRssMb(server.pid);
}

async function measureStartMs(source: Source): Promise<number> {
  await using server = await startValet(source, shipped);
  return server.startMs;
}
