// Measures two servers in turns, so that a machine that wavers wavers for both. Used by the scenarios.

import { formatRate } from "./figure.ts";
import { runLoad } from "./run_load.ts";
import { startBareServer } from "./server_process.ts";
import { noopBody } from "./valet_client.ts";

/** The load of every rate: enough to keep a server busy, short enough for many turns. */
export const fullLoad = { connections: 32, warmUpMs: 700, durationMs: 2_000 } as const;

/** How the mean rates of two servers compare. */
export interface Comparison {
  readonly ratio: number;
  /** Both rates, for people. */
  readonly plain: string;
}

/** The POST/s of a fresh bare server: one measure of H. */
export async function measureBarePost(): Promise<number> {
  await using server = await startBareServer();
  const { port } = server;
  const load = { ...fullLoad, port, method: "POST", paths: ["/jobs"], body: noopBody } as const;
  return (await runLoad(load, 202)).ratePerS;
}

/** Takes both measures in turns, bare first, and compares their means. */
export async function compareRates(
  measureBare: () => Promise<number>,
  measureValet: () => Promise<number>,
  rounds = 2,
): Promise<Comparison> {
  let bare = 0;
  let valet = 0;
  for (let round = 0; round < rounds; round++) {
    bare += await measureBare() / rounds;
    valet += await measureValet() / rounds;
  }
  return compare(bare, valet);
}

/** Compares two rates. */
export function compare(bare: number, valet: number): Comparison {
  return { ratio: valet / bare, plain: `${formatRate(valet)} (bare ${formatRate(bare)})` };
}
