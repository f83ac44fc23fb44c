// Measures servers in turns, so that a machine that wavers wavers for all of them. Used by the scenarios.

import { formatRate } from "./figure.ts";
import { type LoadOptions, runLoad } from "./run_load.ts";
import {
  hasListeners,
  type Listener,
  type ServerProcess,
  startBareServer,
} from "./server_process.ts";
import type { Source } from "./source.ts";
import { noopBody } from "./valet_client.ts";

const connections = 32;
/** A fresh server becomes faster for so long, until V8 has compiled all that is hot. */
const warmUpMs = 2_000;
/** So does the load generator, which is a fresh process in every turn. */
const turn = { warmUpMs: 400, durationMs: 400 } as const;
const turns = 5;

/** A server that is ready to be measured. */
export interface Target {
  /** What it is asked for, again and again. */
  readonly requests: Pick<LoadOptions, "port" | "method" | "paths" | "body">;
  /** The status that every answer must have. */
  readonly status: number;
}

/** How the rates of two servers compare: the value and text of a figure. */
export interface Comparison {
  readonly value: number;
  /** Both rates, for people. */
  readonly plain: string;
}

/** Every measure of H so far. */
export const measuresOfH: number[] = [];

/** The POST/s of a fresh bare server: one measure of H. */
export async function measureBarePost(): Promise<number> {
  await using resources = new AsyncDisposableStack();
  const ratePerS = await measureRate(await openBarePost(resources), {
    warmUpMs,
    durationMs: 1_500,
  });
  measuresOfH.push(ratePerS);
  return ratePerS;
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
 * Compares servers with a bare one at full load, in short turns, since the machine is not the same for a second: one
 * comparison for each. What the functions open they hand to the resources, which end with the measure.
 */
async function compareTargets(
  openBare: Open,
  openOthers: readonly Open[],
): Promise<Comparison[]> {
  await using resources = new AsyncDisposableStack();
  const targets: Target[] = [];
  for (const open of [openBare, ...openOthers]) targets.push(await open(resources));
  for (const target of targets) await measureRate(target, { durationMs: warmUpMs });
  const rates = targets.map(() => 0);
  for (let count = 0; count < turns; count++) {
    for (const [index, target] of targets.entries()) {
      rates[index]! += await measureRate(target, turn) / turns;
    }
  }
  const [bare, ...others] = rates as [number, ...number[]];
  if (targets[0]!.requests.method === "POST") measuresOfH.push(bare);
  return others.map((rate) => compare(bare, rate));
}

/**
 * The same for every source with each listener: for each source what each listener's figure is made of. A source that
 * leaves no choice is measured once, and that counts for every listener.
 */
export async function compareListeners(
  sources: readonly Source[],
  openBare: Open,
  openWith: (source: Source, listener: Listener) => Open,
): Promise<Record<Listener, Comparison>[]> {
  const opens: Open[] = [];
  const places: Record<Listener, number>[] = [];
  for (const source of sources) {
    const node = opens.push(openWith(source, "node")) - 1;
    const deno = await hasListeners(source) ? opens.push(openWith(source, "deno")) - 1 : node;
    places.push({ node, deno });
  }
  const comparisons = await compareTargets(openBare, opens);
  return places.map(({ node, deno }) => ({ node: comparisons[node]!, deno: comparisons[deno]! }));
}

/** Opens a server that is ready to be measured; it ends with the resources. */
export type Open = (resources: AsyncDisposableStack) => Promise<Target>;

async function measureRate(
  { requests, status }: Target,
  times: Pick<LoadOptions, "warmUpMs" | "durationMs">,
): Promise<number> {
  return (await runLoad({ ...requests, ...times, connections }, status)).ratePerS;
}

/** Compares two rates. */
export function compare(bare: number, valet: number): Comparison {
  return { value: valet / bare, plain: `${formatRate(valet)}, bare ${formatRate(bare)}` };
}
