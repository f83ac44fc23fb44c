// `deno task bench [scenario ...]`: measures a running Valet beside a bare Hono server and prints a table.
// Needs nothing but Deno. Every rate is a plain figure and a multiple of H, the POST/s of the bare server
// measured in turns with it, because machines differ and each one wavers.

import { type Figure, formatTable } from "./figure.ts";
import { slowLoads } from "./run_load.ts";
import { measureArrivals } from "./scenarios/arrivals.ts";
import { measureBacklog } from "./scenarios/backlog.ts";
import { measureDisk } from "./scenarios/disk.ts";
import { measureDrain } from "./scenarios/drain.ts";
import { measureFootprint } from "./scenarios/footprint.ts";
import { measureGet } from "./scenarios/get.ts";
import { measureLatency } from "./scenarios/latency.ts";
import { measureLive } from "./scenarios/live.ts";
import { measurePost } from "./scenarios/post.ts";
import { measureRecovery } from "./scenarios/recovery.ts";
import { measureStored } from "./scenarios/stored.ts";
import { stopServers } from "./stores.ts";

const scenarios: Readonly<Record<string, () => Promise<Figure[]>>> = {
  disk: measureDisk,
  post: measurePost,
  get: measureGet,
  drain: measureDrain,
  arrivals: measureArrivals,
  latency: measureLatency,
  footprint: measureFootprint,
  live: measureLive,
  backlog: measureBacklog,
  stored: measureStored,
  recovery: measureRecovery,
};

const names = Deno.args.length > 0 ? Deno.args : Object.keys(scenarios);
const unknown = names.filter((name) => !Object.hasOwn(scenarios, name));
if (unknown.length > 0) {
  await print(`Cannot measure ${unknown.join(", ")}; known: ${Object.keys(scenarios).join(", ")}`);
  Deno.exit(2);
}

await print(await describeMachine());
const figures: Figure[] = [];
let failureCount = 0;
for (const name of names) {
  const startMs = performance.now();
  let end = "";
  try {
    figures.push(...await scenarios[name]!());
  } catch (thrown) {
    // The other scenarios still tell something.
    failureCount += 1;
    end = `, FAILED: ${thrown instanceof Error ? thrown.message : thrown}`;
  }
  await print(`  ${name}: ${((performance.now() - startMs) / 1000).toFixed(0)} s${end}`);
}
await stopServers();
await print(`\n${formatTable(figures)}\n\nLoad average at the end: ${loadAverage()}`);
if (slowLoads.count > 0) {
  await print(`${slowLoads.count} measurements were limited by the load generator.`);
}
if (failureCount > 0) Deno.exit(1);

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
