// One scenario of the fault tests: nodes under load, faults at random moments, and at the end a look at what
// became of every job.

import { strict as assert } from "node:assert";
import { type FinalJob, findViolations, longestOvertaking } from "../testing/job_history.ts";
import { createRandom } from "../testing/random_source.ts";
import type { JournaledRun, RunJournal } from "../testing/run_journal.ts";
import { backlog, type ClusterOptions, concurrency, leaseMs, openCluster } from "./cluster.ts";
import { carryOut, type DoneFault, planFaults } from "./fault_plan.ts";
import { describeFigures } from "./figures.ts";
import { readFinalJobs, waitUntilFinished } from "./final_jobs.ts";
import { JobLoad } from "./job_load.ts";
import { report, settings } from "./settings.ts";

/** What is broken, and how much of it. */
export interface Scenario
  extends Pick<ClusterOptions, "name" | "nodeCount" | "repository" | "queue"> {
  /** The share, 0 to 1, of the jobs and kills of the whole run. */
  readonly share: number;
  /** The node that runs its jobs in processes. */
  readonly processNode?: number;
  /** A killed node is down for at most this long. */
  readonly maxNodeDownMs: number;
}

/** Jobs of the phase in which nothing is broken, and how long each takes: more than are run at once. */
const calmJobCount = 150;
const calmJobMs = 60;
/** Long enough to outlive a lease. */
const longMs = 4_000;
const maxLongJobs = 40;

/** Runs it and fails with all that is known where a promise was broken. */
export async function runScenario(scenario: Scenario): Promise<void> {
  const { name, nodeCount, queue, repository, share } = scenario;
  const { seed } = settings;
  const random = createRandom(seed + name.length * 7_919);
  const isDurable = repository !== "memory";
  const jobCount = Math.ceil(settings.jobCount * share);
  await using cluster = await openCluster({
    ...scenario,
    workerPool: (index) => ({
      max_crashes: 20,
      isolation: index === scenario.processNode ? "process" : "worker",
    }),
  });
  const { folder, journal, nodes, targets } = cluster;
  const load = new JobLoad({
    nodes,
    journal,
    random,
    jobCount,
    clientCount: 4,
    // What only the memory of a node knows is not promised to survive it.
    scheduledShare: isDurable ? 0.1 : 0,
    longShare: Math.min(0.01, maxLongJobs / jobCount),
    longMs,
  });
  const overtakingLimit = nodeCount * (backlog + 2 * concurrency) +
    (queue === "memory" ? 0 : nodeCount * (concurrency + backlog));
  const longestOvertakingSeen = await runCalmPhase(load, journal, queue === "memory");

  const faults = planFaults(random, {
    nodes: nodes.map((node) => node.name),
    hasBroker: queue !== "memory" && isDurable,
    hasDatabase: repository === "mysql",
    killCount: Math.ceil(settings.killCount * share),
    leaseMs,
    maxNodeDownMs: scenario.maxNodeDownMs,
  });
  const faultsDone = new AbortController();
  const [done] = await Promise.all([
    carryOut(faults, targets, () => load.share).finally(() => faultsDone.abort()),
    load.run(faultsDone.signal),
  ]);
  const isEnough = () =>
    isDurable || load.acknowledged.keys().every((id) => journal.endedIds.has(id));
  await waitUntilFinished(nodes[0]!, journal, isEnough);

  const jobs = await readFinalJobs(nodes[0]!);
  const lives = nodes.flatMap((node) => node.lives);
  const violations = findViolations({
    acknowledged: new Set(load.acknowledged.keys()),
    jobs,
    runs: journal.runs,
    lives,
    outages: done.filter(({ target }) => target === "database"),
    isDurable,
    leaseMs: repository === "mysql" ? leaseMs : 0,
  });
  report(...describeFigures({ name, seed, load, jobs, runs: journal.runs, lives, done }));
  const problems = [
    ...violations.map(({ jobId, text }) => `${jobId} ${text}${storyOf(jobId, jobs, journal.runs)}`),
    ...load.failures,
    ...journal.strayLines.map((line) => `a stray line of the journal: ${line}`),
    ...nodes.flatMap((node) => node.accidents),
  ];
  if (longestOvertakingSeen > overtakingLimit) {
    problems.push(
      `a job was overtaken by ${longestOvertakingSeen}; the limit is ${overtakingLimit}`,
    );
  }
  assert.equal(problems.length, 0, describeProblems(problems, done, folder));
}

/** One client, nothing broken: how many jobs overtook one in the queue that it went through. */
async function runCalmPhase(
  load: JobLoad,
  journal: RunJournal,
  isQueuePerNode: boolean,
): Promise<number> {
  for (let i = 0; i < calmJobCount; i++) await load.submit({ ms: calmJobMs });
  const deadlineAtMs = Date.now() + 30_000;
  while (journal.read().endedIds.size < load.acknowledged.size) {
    if (Date.now() > deadlineAtMs) throw new Error(`Jobs do not run; the journal: ${journal.path}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const ids = [...load.acknowledged];
  const queues = Map.groupBy(ids, ([, node]) => isQueuePerNode ? node : "");
  const longest = queues.values().map((queue) =>
    longestOvertaking(queue.map(([id]) => id), journal.runs)
  );
  return Math.max(...longest);
}

function storyOf(
  jobId: string,
  jobs: ReadonlyMap<string, FinalJob>,
  runs: readonly JournaledRun[],
): string {
  const lines = runs.filter((run) => run.jobId === jobId).flatMap((run) => run.lines);
  const state = JSON.stringify(jobs.get(jobId) ?? "not stored");
  return `\n    ${[...lines, state].join("\n    ")}`;
}

function describeProblems(
  problems: readonly string[],
  done: readonly DoneFault[],
  folder: string,
): string {
  const faults = done.map(({ fromMs, kind, target, toMs }) =>
    `    ${kind} ${target} ${fromMs} to ${toMs}`
  );
  return [
    `${problems.length} problems, seed ${settings.seed}; logs and journal are kept in ${folder}`,
    ...problems.slice(0, 10).map((problem) => `  ${problem}`),
    "  Faults:",
    ...faults,
  ].join("\n");
}
