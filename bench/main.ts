// `deno task bench [SCENARIO ...] [--against COMMIT]`: measures a running Valet beside a bare Hono server, in rounds,
// and prints the medians; with a commit those of both, measured in turns. Every rate is a plain figure and a multiple
// of H, the POST/s of the bare server measured in turns with it, because machines differ and each one wavers.

import { parseArgs } from "node:util";
import { setUp } from "../tools/test_setup.ts";
import { measuresOfH } from "./comparison.ts";
import { type Figure, formatComparison, formatRate, formatTable, medianFigures } from "./figure.ts";
import { slowLoads } from "./run_load.ts";
import { measureArrivals } from "./scenarios/arrivals.ts";
import { measureBacklog } from "./scenarios/backlog.ts";
import { measureDisk } from "./scenarios/disk.ts";
import { measureDrain } from "./scenarios/drain.ts";
import { measureFootprint } from "./scenarios/footprint.ts";
import { measureGet } from "./scenarios/get.ts";
import { measureLatency } from "./scenarios/latency.ts";
import { measureLive } from "./scenarios/live.ts";
import { measureLog } from "./scenarios/log.ts";
import { measureMixed } from "./scenarios/mixed.ts";
import { measurePost } from "./scenarios/post.ts";
import { measureRecovery } from "./scenarios/recovery.ts";
import { measureSearch } from "./scenarios/search.ts";
import { measureStored } from "./scenarios/stored.ts";
import { checkOut, currentSource, type Source } from "./source.ts";
import { stopServers } from "./stores.ts";

/** Measures a scenario once on each of the sources: a list of figures for each. */
type Measure = (sources: readonly Source[]) => Promise<Figure[][]>;

const scenarios: Readonly<Record<string, Measure>> = {
  disk: inTurns(measureDisk),
  post: measurePost,
  get: measureGet,
  drain: inTurns(measureDrain),
  mixed: inTurns(measureMixed),
  log: inTurns(measureLog),
  arrivals: inTurns(measureArrivals),
  latency: inTurns(measureLatency),
  footprint: inTurns(measureFootprint),
  live: inTurns(measureLive),
  backlog: inTurns(measureBacklog),
  stored: inTurns(measureStored),
  recovery: inTurns(measureRecovery),
  search: inTurns(measureSearch),
};

const roundCount = 3;

const { names, commit } = readArguments();
await using resources = new AsyncDisposableStack();
// An interrupted bench leaves neither the other sources nor a server behind.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => void resources.disposeAsync().finally(() => Deno.exit(1)));
}
const other = commit === undefined ? undefined : await openOther(commit);
const missing = await setUp();
if (missing !== null) await print(missing);
await print(await describeMachine());
const rounds = new Map<Source, Figure[][]>();
let failureCount = 0;
for (let round = 1; round <= roundCount; round++) {
  await print(`round ${round} of ${roundCount}`);
  for (const name of names) {
    const sources = other === undefined ? [currentSource] : [other, currentSource];
    // None of the two is always the first.
    await measure(name, round % 2 === 0 ? sources.reverse() : sources);
  }
}
await stopServers();

const figures = medianFigures(rounds.get(currentSource) ?? []);
await print(
  other === undefined
    ? `\n${formatTable(figures)}\n`
    : `\n${formatComparison(other.name, medianFigures(rounds.get(other) ?? []), figures)}\n`,
);
if (measuresOfH.length > 0) {
  const sorted = measuresOfH.toSorted((one, another) => one - another);
  const [least, median, most] = [0, sorted.length >> 1, sorted.length - 1].map((index) =>
    formatRate(sorted[index]!)
  );
  await print(`H: ${median} (${least} to ${most}, ${sorted.length} measures)`);
}
await print(`Load average at the end: ${loadAverage()}`);
if (slowLoads.count > 0) {
  await print(`${slowLoads.count} measurements were limited by the load generator.`);
}
Deno.exitCode = failureCount > 0 ? 1 : 0;

function readArguments(): { names: readonly string[]; commit: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      args: Deno.args,
      options: { against: { type: "string" } },
      allowPositionals: true,
    });
    const known = Object.keys(scenarios);
    const unknown = positionals.filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      throw new Error(`${unknown.join(", ")} is not known; allowed: ${known.join(", ")}`);
    }
    return { names: positionals.length > 0 ? positionals : known, commit: values.against };
  } catch (thrown) {
    return refuse(`Cannot measure: ${(thrown as Error).message}`);
  }
}

async function openOther(commit: string): Promise<Source> {
  try {
    return resources.use(await checkOut(commit));
  } catch (thrown) {
    return refuse((thrown as Error).message);
  }
}

function refuse(message: string): never {
  Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
  Deno.exit(2);
}

/** The scenario on one source after the other. */
function inTurns(measureOne: (source: Source) => Promise<Figure[]>): Measure {
  return async (sources) => {
    const figures: Figure[][] = [];
    for (const source of sources) figures.push(await measureOne(source));
    return figures;
  };
}

async function measure(name: string, sources: readonly Source[]): Promise<void> {
  const startMs = performance.now();
  let end = "";
  try {
    const figures = await scenarios[name]!(sources);
    for (const [index, source] of sources.entries()) {
      rounds.set(source, [...rounds.get(source) ?? [], figures[index]!]);
    }
  } catch (thrown) {
    // The other scenarios still tell something.
    failureCount += 1;
    end = `, FAILED: ${thrown instanceof Error ? thrown.message : thrown}`;
  }
  await print(`  ${name}: ${((performance.now() - startMs) / 1000).toFixed(0)} s${end}`);
}

async function describeMachine(): Promise<string> {
  const cpuInfo = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const model = /^model name\s*:\s*(.*)$/m.exec(cpuInfo)?.[1] ?? Deno.build.arch;
  const memoryGb = Math.round(Deno.systemMemoryInfo().total / 2 ** 30);
  return `${navigator.hardwareConcurrency} x ${model}, ${memoryGb} GB, Deno ${Deno.version.deno}; ` +
    `load average at the start: ${loadAverage()}`;
}

function loadAverage(): string {
  return Deno.loadavg().map((load) => load.toFixed(2)).join(" ");
}

async function print(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(`${text}\n`);
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}
