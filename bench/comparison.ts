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

/** What a server is asked for, again and again. */
export type Requests = Pick<LoadOptions, "port" | "method" | "paths" | "body">;

/** A server that is ready to be measured. */
export interface Target extends AsyncDisposable {
  readonly requests: Requests;
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
  await using target = await openBarePost();
  return await measureRate(target, { warmUpMs, durationMs: 1_500 });
}

/** A fresh bare server that gets POSTs. */
export async function openBarePost(): Promise<Target> {
  return postsTo(await startBareServer());
}

/** POSTs of small jobs to a server, which ends with them. */
export function postsTo(server: ServerProcess): Target {
  return {
    requests: { port: server.port, method: "POST", paths: ["/jobs"], body: noopBody },
    status: 202,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/**
 * Compares two servers at full load: pairs of fresh processes, since no two processes of one program are
 * equally fast, and in each pair short turns, since the machine is not the same for a second.
 */
export async function compareTargets(
  openBare: () => Promise<Target>,
  openValet: () => Promise<Target>,
): Promise<Comparison> {
  const [pairs, turns] = [3, 5];
  let bareRate = 0;
  let valetRate = 0;
  for (let pair = 0; pair < pairs; pair++) {
    await using bare = await openBare();
    await using valet = await openValet();
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
