// One scenario of the fault tests: nodes under load, faults at random moments, and at the end a look at what
// became of every job.

import { strict as assert } from "node:assert";
import { type FinalJob, findViolations, longestOvertaking } from "../testing/job_history.ts";
import { startMariadb } from "../testing/mariadb_server.ts";
import { createRandom } from "../testing/random_source.ts";
import { type JournaledRun, RunJournal } from "../testing/run_journal.ts";
import { ValetNode } from "../testing/valet_node.ts";
import { brokerQueue, sharedBroker } from "./broker.ts";
import { type Breakable, carryOut, type DoneFault, planFaults } from "./fault_plan.ts";
import { describeFigures } from "./figures.ts";
import { readFinalJobs, waitUntilFinished } from "./final_jobs.ts";
import { JobLoad } from "./job_load.ts";
import { makeTestFolder, report, settings } from "./settings.ts";

/** What is broken, and how much of it. */
export interface Scenario {
  readonly name: string;
  readonly nodeCount: number;
  readonly repository: "memory" | "sqlite" | "mysql";
  readonly queue: "memory" | "durable" | "non-durable";
  /** The share, 0 to 1, of the jobs and kills of the whole run. */
  readonly share: number;
  /** The node that runs its jobs in processes. */
  readonly processNode?: number;
  readonly maxNodeDownMs: number;
}

const leaseMs = 3_000;
const concurrency = 4;
const backlog = 8;
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
  const folder = makeTestFolder(name);
  const journal = new RunJournal(`${folder}/journal`);
  const isDurable = repository !== "memory";
  const jobCount = Math.ceil(settings.jobCount * share);
  await using stack = new AsyncDisposableStack();
  const broker = queue === "memory" ? undefined : await sharedBroker();
  const database = repository === "mysql" ? stack.use(await startMariadb()) : undefined;
  const env: Record<string, string> = {};
  if (broker !== undefined) env["RABBITMQ_URI"] = broker.uri;
  if (database !== undefined) env["MYSQL_DSN"] = await database.createDatabase();
  const jobQueue = broker === undefined
    ? { option: "memory", memory_job_queue: { capacity: 200 } }
    : brokerQueue({ durable: queue === "durable" });
  const nodes = Array.from({ length: nodeCount }, (_, index) =>
    stack.use(
      new ValetNode({
        name: `node${index}`,
        folder,
        env,
        config: {
          timeout_unit: "millisecond",
          server: { access_log: false, startup_wait: "60s" },
          worker_pool: {
            concurrency,
            backlog,
            lease: `${leaseMs}ms`,
            max_crashes: 20,
            isolation: index === scenario.processNode ? "process" : "worker",
          },
          repository: { option: repository, sqlite: { path: `${folder}/valet.db` } },
          job_queue: jobQueue,
        },
      }),
    ));
  await Promise.all(nodes.map((node) => node.start()));

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
    (broker === undefined ? 0 : nodeCount * (concurrency + backlog));
  const longestOvertakingSeen = await runCalmPhase(load, journal, queue === "memory");

  const faults = planFaults(random, {
    nodes: nodes.map((node) => node.name),
    hasBroker: broker !== undefined && isDurable,
    hasDatabase: database !== undefined,
    killCount: Math.ceil(settings.killCount * share),
    leaseMs,
    maxNodeDownMs: scenario.maxNodeDownMs,
  });
  const targets: Record<string, Breakable> = Object.fromEntries(
    nodes.map((node) => [node.name, node]),
  );
  if (database !== undefined) targets["database"] = database;
  if (broker !== undefined) {
    targets["broker"] = {
      kill: () => broker.kill(),
      start: () => broker.startAgain(),
      freeze: () => broker.freeze(),
      thaw: () => broker.thaw(),
    };
  }
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
