// Runs the corpus: every package in both isolations, against local servers, in a Valet from source. Prints a line
// for each package and writes the table of results into docs/packages.md. Run by `deno task test:packages`.

import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { setUp } from "../../tools/test_setup.ts";
import { startValet } from "../testing/start_valet.ts";
import { cases, type PackageCase, refusals, type RefusedCase, taskOf } from "./cases.ts";
import denoConfig from "./deno.json" with { type: "json" };
import { type Outcomes, writeResults } from "./results.ts";
import {
  type LocalServer,
  type LocalServerEntry,
  type ServerName,
  servers,
} from "./servers/mod.ts";

const isolations = ["worker", "process"] as const;
/** How long the start may take: it loads every package, one worker after the other. */
const startDeadlineMs = 90_000;
const jobLimitMs = 60_000;
const scratchFolder = fileURLToPath(new URL("./scratch", import.meta.url));

type Isolation = typeof isolations[number];
type Case = PackageCase | RefusedCase;

/** What was wrong with a case, by isolation; null: nothing. In the order of the table of results. */
const outcomes = new Map<Case, Outcomes>([...cases, ...refusals].map((one) => [one, {}]));
/** What was wrong with a server itself. */
const serverProblems: string[] = [];

const startedAtMs = Date.now();
const missing = await setUp(needsOfCases());
if (missing !== null) {
  await say(missing);
  Deno.exit(1);
}
// The servers that are processes end with this one, but only with an orderly end of it.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => Deno.exit(130));
}
const started = new Map<ServerName, LocalServer>();
try {
  await startServers();
  for (const isolation of isolations) await runCorpus(isolation);
} catch (error) {
  serverProblems.push((error as Error).message);
} finally {
  for (const server of started.values()) await server[Symbol.asyncDispose]();
  await Deno.remove(scratchFolder, { recursive: true }).catch(() => {});
}
if (serverProblems.length === 0) await writeResults(outcomes, denoConfig.imports);
Deno.exit(await report());

function needsOfCases() {
  const names = new Set(cases.flatMap(({ server }) => server ?? []));
  return [...names].flatMap((name) => (servers[name] as LocalServerEntry).needs ?? []);
}

async function startServers(): Promise<void> {
  const names = new Set(cases.flatMap(({ server }) => server ?? []));
  const starts = [...names].map(async (name) => {
    started.set(name, await servers[name].start());
  });
  await Promise.allSettled(starts); // Where one cannot start, the others must be known to be ended.
  await Promise.all(starts);
}

async function runCorpus(isolation: Isolation): Promise<void> {
  await Deno.remove(scratchFolder, { recursive: true }).catch(() => {});
  await Deno.mkdir(scratchFolder);
  await using valet = await startValet({
    tasks: "packages",
    config: { worker_pool: { isolation, concurrency: 2 } },
    startDeadlineMs,
  });
  const { api, process } = valet;
  await Promise.all([...cases, ...refusals].map(async (one) => {
    const isRefused = "reason" in one;
    const server = isRefused || one.server === undefined ? undefined : started.get(one.server);
    const params = { ...server?.params, ...(isRefused ? {} : one.params) };
    const problem = await runCase(one, params).catch((error: Error) => error.message);
    outcomes.set(one, { ...outcomes.get(one), [isolation]: problem });
  }));
  const strayLines = process.log.filter(({ level }) => level === "unreadable");
  const strayText = process.stderr + strayLines.map(({ message }) => message).join("\n");
  if (strayText !== "") serverProblems.push(`${isolation}: written past the logger: ${strayText}`);

  /** Null, or what is wrong. */
  async function runCase(one: Case, params: Record<string, unknown>): Promise<string | null> {
    const id = await api.submit(taskOf(one), params, { timeout: jobLimitMs / 1000 });
    const job = await api.waitForJob(id, 2 * jobLimitMs);
    if ("reason" in one) {
      const reason = job.failure_reason ?? "(none: it completed)";
      return reason.includes(one.reason) ? null : `the failure reason is: ${reason}`;
    }
    if (job.status !== "COMPLETED") return `the job failed: ${job.failure_reason}`;
    const result = await api.resultOf(id);
    if (typeof one.expected === "function") one.expected(result);
    else assert.deepEqual(result, one.expected);
    const { logged } = one;
    const lines = process.log.filter(({ job_id }) => job_id === id);
    if (logged === undefined || lines.some(({ message }) => logged.test(message))) return null;
    return `no line of the job's log is like ${logged}; there are: ` +
      JSON.stringify(lines.map(({ message }) => message));
  }
}

/** The exit code. */
async function report(): Promise<number> {
  let passed = 0;
  let failed = serverProblems.length;
  for (const [one, byIsolation] of outcomes) {
    const problems = isolations.filter((isolation) => byIsolation[isolation] !== null);
    if (problems.length > 0) failed++;
    else passed++;
    const title = "reason" in one ? `${one.packageName} (refused)` : one.packageName;
    await say(`${title} ... ${problems.length === 0 ? "ok" : "FAILED"}`);
    for (const isolation of problems) {
      await say(`  ${isolation}: ${byIsolation[isolation] ?? "it did not run"}`);
    }
  }
  for (const problem of serverProblems) await say(`the server ... FAILED\n  ${problem}`);
  const seconds = Math.round((Date.now() - startedAtMs) / 1000);
  const word = failed === 0 ? "ok" : "FAILED";
  await say(`\n${word} | ${passed} passed | ${failed} failed (${seconds}s)`);
  return failed === 0 ? 0 : 1;
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}
