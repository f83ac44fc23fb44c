// What the log costs at its full rate: the same drain with a line for each job and without, in turns.

import { type Figure, formatRate } from "../figure.ts";
import type { Source } from "../source.ts";
import { drainOnce } from "./drain.ts";

const drain = { storeName: "memory", isolation: "worker", jobCount: 100_000 } as const;

/** Measures the drain with both formats of the log, beside one that logs errors only. */
export async function measureLog(source: Source): Promise<Figure[]> {
  const without = await drainOnce(source, drain, { logging_level: "error" });
  const figures: Figure[] = [];
  for (const logging_format of ["text", "json"]) {
    const rate = await drainOnce(source, drain, { logging_level: "info", logging_format });
    figures.push({
      name: `drain of 100,000 jobs with a line for each, memory, ${logging_format}`,
      plain: `${formatRate(rate)} (without ${formatRate(without)})`,
      value: rate / without,
      unit: "x",
    });
  }
  return figures;
}
