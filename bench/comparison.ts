// Measures two servers in turns, so that a machine that wavers wavers for both. Used by the scenarios.

import { formatRate } from "./figure.ts";
import { type LoadOptions, runLoad } from "./run_load.ts";
import { type ServerProcess, startBareServer } from "./server_process.ts";
import { noopBody } from "./valet_client.ts";

const connections = 32;
/** A fresh server becomes faster for so long, until V8 has compiled all that is hot. */
const warmUpMs = 2_000;
/** So does the load generator, which is a fresh process in every turn. */
const turn = { warmUpMs: 400, durationMs: 400 } as const;

/** A server that is ready to be measured. */
export interface Target {
  /** What it is asked for, again and again. */
  readonly requests: Pick<LoadOptions, "port" | "method" | "paths" | "body">;
  /** The status that every answer must have. */
  readonly status: number;
}

/** How the mean rates of two servers compare. */
export interface Comparison {
  readonly ratio: number;
  /** Both rates, for people. */
  readonly plain: string;
}

/** The POST/s of a fresh bare server: one measure of H. */
export async function measureBarePost(): Promise<number> {
  await using resources = new AsyncDisposableStack();
  return await measureRate(await openBarePost(resources), { warmUpMs, durationMs: 1_500 });
}

/** A fresh bare server that gets POSTs. It ends with the resources. */
export async function openBarePost(resources: AsyncDisposableStack): Promise<Target> {
  return postsTo(resources.use(await startBareServer()));
}

/** POSTs of small jobs to a server. */
export function postsTo({ port }: ServerProcess): Target {
  return { requests: { port, method: "POST", paths: ["/jobs"], body: noopBody }, status: 202 };
}

/**
 * Compares two servers at full load: pairs of fresh processes, since no two processes of one program are
 * equally fast, and in each pair short turns, since the machine is not the same for a second. What the functions open
 * they hand to the resources, which end with the pair.
 */
export async function compareTargets(
  openBare: (resources: AsyncDisposableStack) => Promise<Target>,
  openValet: (resources: AsyncDisposableStack) => Promise<Target>,
): Promise<Comparison> {
  const [pairs, turns] = [3, 5];
  let bareRate = 0;
  let valetRate = 0;
  for (let pair = 0; pair < pairs; pair++) {
    await using resources = new AsyncDisposableStack();
    const bare = await openBare(resources);
    const valet = await openValet(resources);
    for (const target of [bare, valet]) await measureRate(target, { durationMs: warmUpMs });
    for (let count = 0; count < turns; count++) {
      bareRate += await measureRate(bare, turn) / (pairs * turns);
      valetRate += await measureRate(valet, turn) / (pairs * turns);
    }
  }
  return compare(bareRate, valetRate);
}

async function measureRate(
  { requests, status }: Target,
  times: Pick<LoadOptions, "warmUpMs" | "durationMs">,
): Promise<number> {
  return (await runLoad({ ...requests, ...times, connections }, status)).ratePerS;
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
