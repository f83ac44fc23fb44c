// What becomes of jobs when one certain thing happens to the node that runs them.

import { strict as assert } from "node:assert";
import { eventually } from "../testing/eventually.ts";
import { findViolations } from "../testing/job_history.ts";
import { createRandom } from "../testing/random_source.ts";
import type { JournaledRun } from "../testing/run_journal.ts";
import type { ValetNode } from "../testing/valet_node.ts";
import { type Cluster, leaseMs, openCluster } from "./cluster.ts";
import { readFinalJobs, waitUntilFinished } from "./final_jobs.ts";
import { JobLoad } from "./job_load.ts";
import { report, settings } from "./settings.ts";

/** Longer than any test: such a job ends only because something ends it. */
const endlessMs = 600_000;
const maxCrashes = 3;

for (
  const [repository, queue, nodeCount] of [["sqlite", "memory", 1], [
    "mysql",
    "non-durable",
    2,
  ]] as const
) {
  Deno.test(`faults: a job that kills its nodes fails, and those beside it complete, ${repository}`, async () => {
    await using cluster = await openCluster({
      name: `deadly_job_${repository}`,
      nodeCount,
      repository,
      queue,
      workerPool: () => ({ max_crashes: maxCrashes }),
    });
    const { journal, nodes } = cluster;
    const deadlyId = await submit(cluster, nodes[0]!, { ms: endlessMs });
    const others = await Promise.all(
      Array.from({ length: 20 }, () => submit(cluster, nodes[0]!, { ms: 300 })),
    );
    for (let crash = 1; crash <= maxCrashes; crash++) {
      const run = await waitForRun(cluster, deadlyId, crash);
      const node = nodeOf(cluster, run);
      await node.kill();
      await node.start();
    }
    await waitUntilFinished(nodes[0]!, journal, () => true);
    const jobs = await readFinalJobs(nodes[0]!);
    const deadly = jobs.get(deadlyId)!;
    assert.equal(deadly.status, "FAILED");
    assert.match(
      deadly.failure_reason!,
      /died.*crash 3 of the 3 that worker_pool.max_crashes allows/,
    );
    assert.equal(journal.runs.filter(({ jobId }) => jobId === deadlyId).length, maxCrashes);
    for (const id of others) {
      const { failure_reason, status } = jobs.get(id)!;
      assert.equal(status, "COMPLETED", `${id} ${failure_reason}`);
    }
    assertNoViolations(cluster, [deadlyId, ...others], jobs);
  });
}

Deno.test("faults: a node that was frozen for longer than its lease changes nothing", async () => {
  await using cluster = await openCluster({
    name: "frozen_node",
    nodeCount: 2,
    repository: "mysql",
    queue: "non-durable",
  });
  const { journal, nodes } = cluster;
  // It ends on the frozen node while the other one, which starts it a lease later, still runs it.
  const ms = 2 * leaseMs;
  const id = await submit(cluster, nodes[0]!, { ms });
  const run = await waitForRun(cluster, id, 1);
  const frozen = nodeOf(cluster, run);
  frozen.freeze();
  const again = await waitForRun(cluster, id, 2);
  assert.notEqual(nodeOf(cluster, again), frozen);
  await eventually("the end of the run", () => Date.now() > run.startedAtMs + ms);
  frozen.thaw();
  await eventually("the late end", () => journal.read() && run.end !== "cut");
  assert.equal(again.end, "cut", "this machine is too slow for this test");
  await waitUntilFinished(nodes[0]!, journal, () => true);
  const jobs = await readFinalJobs(nodes[0]!);
  assert.deepEqual(jobs.get(id)!.result, { attempt: 2, pid: again.pid });
  assertNoViolations(cluster, [id], jobs);
});

Deno.test("faults: clocks that are minutes wrong do no harm", async () => {
  const skewsMs = [300_000, -300_000];
  await using cluster = await openCluster({
    name: "clock_skew",
    nodeCount: 2,
    repository: "mysql",
    queue: "memory",
    main: "skewed_main.ts",
    env: (index) => ({ VALET_TEST_SKEW_MS: String(skewsMs[index]) }),
  });
  const { journal, nodes } = cluster;
  const fromMs = Date.now();
  const ids: string[] = [];
  for (let i = 0; i < 10; i++) {
    for (const node of nodes) {
      ids.push(await submit(cluster, node, { ms: 5 }));
      ids.push(await submit(cluster, node, { ms: 5, runAtMs: fromMs + 2_000 + i * 150 }));
    }
  }
  for (const node of nodes) ids.push(await submit(cluster, node, { ms: 2.5 * leaseMs }));
  await waitUntilFinished(nodes[0]!, journal, () => true);
  const jobs = await readFinalJobs(nodes[0]!);
  // The journal was written by clocks that are wrong.
  const runs = journal.runs.map((run) => {
    const skewMs = skewsMs[nodes.indexOf(nodeOf(cluster, run))]!;
    return {
      ...run,
      startedAtMs: run.startedAtMs - skewMs,
      endedAtMs: run.endedAtMs === undefined ? undefined : run.endedAtMs - skewMs,
    };
  });
  assert.equal(runs.length, ids.length, "a job ran twice");
  assertNoViolations(cluster, ids, jobs, runs);
  for (const run of runs) {
    const job = jobs.get(run.jobId)!;
    const wrongMs = Math.abs(Date.parse(job.started_at!) - run.startedAtMs);
    assert.ok(wrongMs < 500, `${job.id} is said to have started ${wrongMs} ms off`);
    const createdAtMs = Date.parse(job.created_at);
    assert.ok(createdAtMs > fromMs - 500 && createdAtMs < fromMs + 10_000, job.created_at);
    const lateMs = job.run_at === undefined ? 0 : run.startedAtMs - Date.parse(job.run_at);
    assert.ok(lateMs < 1_000, `${job.id} started ${lateMs} ms late`);
  }
});

Deno.test("faults: a rolling restart under load loses nothing, repeats nothing, breaks no request", async () => {
  await using cluster = await openCluster({
    name: "rolling_restart",
    nodeCount: 3,
    repository: "mysql",
    queue: "non-durable",
  });
  const { journal, nodes } = cluster;
  const load = new JobLoad({
    nodes,
    journal,
    random: createRandom(settings.seed),
    jobCount: 600,
    clientCount: 4,
    scheduledShare: 0.1,
    longShare: 0,
    longMs: 0,
  });
  const isOver = new AbortController();
  const restart = async () => {
    for (const [index, node] of nodes.entries()) {
      await eventually("more jobs", () => load.share > (index + 1) / 5 || undefined);
      const { code } = await node.stop();
      assert.equal(code, 0, `${node.name} ended with ${code}`);
      await node.start();
    }
  };
  await Promise.all([restart().finally(() => isOver.abort()), load.run(isOver.signal)]);
  await waitUntilFinished(nodes[0]!, journal, () => true);
  const jobs = await readFinalJobs(nodes[0]!);
  report(`rolling restart: ${load.acknowledged.size} jobs, ${JSON.stringify(load.counts)}`);
  assert.deepEqual(load.failures, []);
  assert.deepEqual([...load.brokenTexts], []);
  assert.equal(load.counts.unanswered, 0);
  assertNoViolations(cluster, [...load.acknowledged.keys()], jobs);
  assert.equal(journal.runs.length, jobs.size, "a job ran twice");
});

Deno.test("faults: a node that stops gives its jobs back, and another one runs them at once", async () => {
  await using cluster = await openCluster({
    name: "drain",
    nodeCount: 2,
    repository: "mysql",
    queue: "non-durable",
    workerPool: () => ({ lease: "60s" }),
    server: { shutdown_grace: "200ms" },
  });
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push(await submit(cluster, cluster.nodes[0]!, { ms: endlessMs }));
  const runs = await Promise.all(ids.map((id) => waitForRun(cluster, id, 1)));
  const node = nodeOf(cluster, runs[0]!);
  const stoppedAtMs = Date.now();
  assert.equal((await node.stop()).code, 0);
  for (const run of runs.filter((run) => nodeOf(cluster, run) === node)) {
    const again = await waitForRun(cluster, run.jobId, 2);
    assert.equal(run.end, "abort");
    assert.notEqual(nodeOf(cluster, again), node);
    const afterMs = again.startedAtMs - stoppedAtMs;
    report(`drain: a job that was given back runs again ${afterMs} ms after SIGTERM`);
    assert.ok(afterMs < 5_000);
  }
});

Deno.test("faults: DELETE on one node aborts a job that runs on another within 3 s", async () => {
  await using cluster = await openCluster({
    name: "delete_elsewhere",
    nodeCount: 2,
    repository: "mysql",
    queue: "non-durable",
    workerPool: () => ({ lease: "60s" }),
  });
  const id = await submit(cluster, cluster.nodes[0]!, { ms: endlessMs });
  const run = await waitForRun(cluster, id, 1);
  const other = cluster.nodes.find((node) => node !== nodeOf(cluster, run))!;
  const deletedAtMs = Date.now();
  const { status } = await fetch(`${other.baseUrl}/jobs/${id}`, { method: "DELETE" });
  assert.equal(status, 204);
  await eventually("the abort", () => cluster.journal.read() && run.end === "abort");
  assert.ok(run.endedAtMs! - deletedAtMs < 3_000, `${run.endedAtMs! - deletedAtMs} ms`);
  assert.equal((await fetch(`${other.baseUrl}/jobs/${id}`).then(drained)).status, 404);
});

/** Submits a job that must be accepted; its id. */
async function submit(
  { journal }: Cluster,
  node: ValetNode,
  { ms, runAtMs }: { readonly ms: number; readonly runAtMs?: number },
): Promise<string> {
  const response = await fetch(`${node.baseUrl}/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      name: "journals",
      task_name: "journals",
      task_params: { path: journal.path, ms },
      ...(runAtMs === undefined ? {} : { run_at: new Date(runAtMs).toISOString() }),
    }),
  });
  const answer = await response.json();
  assert.equal(response.status, 202, JSON.stringify(answer));
  return answer.id;
}

/** The run of the job that comes as number `count`, as soon as it has started. */
async function waitForRun(
  { folder, journal }: Cluster,
  id: string,
  count: number,
): Promise<JournaledRun> {
  return await eventually(
    `run ${count} of ${id}; see ${folder}`,
    () => journal.read().runs.filter(({ jobId }) => jobId === id)[count - 1],
    30_000,
  );
}

function nodeOf({ nodes }: Cluster, run: JournaledRun): ValetNode {
  return nodes.find(({ lives }) =>
    lives.some(({ pid }) => [run.pid, run.parentPid].includes(pid))
  )!;
}

function assertNoViolations(
  { folder, journal, nodes }: Cluster,
  ids: readonly string[],
  jobs: Awaited<ReturnType<typeof readFinalJobs>>,
  runs: readonly JournaledRun[] = journal.runs,
): void {
  const violations = findViolations({
    acknowledged: new Set(ids),
    jobs,
    runs,
    lives: nodes.flatMap(({ lives }) => lives),
    outages: [],
    isDurable: true,
    leaseMs,
  });
  assert.deepEqual([...violations, ...journal.strayLines], [], `see ${folder}`);
}

async function drained(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}
