// What the log costs at its full rate: the same drain with a line for each job and without, in turns.

import { type Figure, formatRate } from "../figure.ts";
import type { Source } from "../source.ts";
import { drainOnce } from "./drain.ts";

const rounds = 5;
const drain = { storeName: "memory", isolation: "worker", jobCount: 100_000 } as const;

/** Measures the drain with both formats of the log, beside one that logs errors only. */
export async function measureLog(source: Source): Promise<Figure[]> {
  const formats = ["text", "json"] as const;
  const rates = { none: [] as number[], text: [] as number[], json: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    rates.none.push(await drainOnce(source, drain, { logging_level: "error" }));
    for (const logging_format of formats) {
      rates[logging_format].push(
        await drainOnce(source, drain, { logging_level: "info", logging_format }),
      );
    }
  }
  const without = medianOf(rates.none);
  return formats.map((format) => {
    const rate = medianOf(rates[format]);
    return {
      name: `drain of 100,000 jobs with a line for each, memory, ${format}`,
      plain: `${formatRate(rate)} (without ${formatRate(without)})`,
      value: rate / without,
      unit: "x",
    };
  });
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
