// Holds what happened to jobs, as clients, the tasks themselves and the test that broke things saw it, against
// what Valet promises. Pure: it reads nothing but its argument.

import type { ShownJob } from "./api_client.ts";
import type { JournaledRun } from "./run_journal.ts";
import type { NodeLife, Span } from "./valet_node.ts";

/** A job as it stands once all is over. */
export interface FinalJob extends ShownJob {
  /** What its task returned; undefined: nothing is stored. */
  readonly result?: { readonly attempt: number; readonly pid: number } | undefined;
}

/** All that is known in the end. Times are milliseconds since the Unix epoch. */
export interface JobHistory {
  /** The jobs that Valet answered 202 for: their ids. */
  readonly acknowledged: ReadonlySet<string>;
  /** Every job that Valet knows in the end, acknowledged or not. */
  readonly jobs: ReadonlyMap<string, FinalJob>;
  readonly runs: readonly JournaledRun[];
  readonly lives: readonly NodeLife[];
  /** When the server of a shared repository did not answer. */
  readonly outages: readonly Span[];
  /** Whether the repository outlives a node; where it does not, only the runs bear witness. */
  readonly isDurable: boolean;
  /** 0: nodes do not share the repository, and nothing but the death of a node ends a claim. */
  readonly leaseMs: number;
}

/** A promise that was not kept. */
export interface Violation {
  readonly jobId: string;
  readonly text: string;
}

/** The time of a run is read in another process than the time of what was done to its node. */
const clockToleranceMs = 10;
/** A store tells the time a little differently to each of its nodes. */
const storeClockToleranceMs = 100;
/** Between two renewals of a lease; and a renewal that failed takes as long to be tried again. */
const renewalMs = 1_000;
/** How late a node gets to a job that it has claimed, or to what it had sent to a process before it died. */
const lateStartMs = 5_000;
/** How long after the end of a run its outcome is stored, where nothing is in the way. */
const lateStoreMs = 2_000;

/** Every promise that this history shows to be broken. */
export function findViolations(history: JobHistory): Violation[] {
  const nodes = createNodeFinder(history);
  const runsByJob = Map.groupBy(history.runs, ({ jobId }) => jobId);
  const violations: Violation[] = [];
  for (
    const jobId of new Set([...history.acknowledged, ...history.jobs.keys(), ...runsByJob.keys()])
  ) {
    const runs = inOrderOfClaims(runsByJob.get(jobId) ?? [], history);
    const texts = [
      ...problemsOfEnd(jobId, runs, history),
      ...problemsOfRuns(runs, nodes, history),
      ...problemsOfTimes(runs, history.jobs.get(jobId)),
    ];
    violations.push(...texts.map((text) => ({ jobId, text })));
  }
  return violations;
}

/** The most jobs that started before one that was submitted before them; `ids` is the order of submission. */
export function longestOvertaking(ids: readonly string[], runs: readonly JournaledRun[]): number {
  const places = new Map(ids.map((id, place) => [id, place]));
  const started = new Set<number>();
  let longest = 0;
  for (const { jobId } of runs) {
    const place = places.get(jobId);
    if (place === undefined || started.has(place)) continue;
    let overtakers = 0;
    for (const other of started) if (other > place) overtakers++;
    longest = Math.max(longest, overtakers);
    started.add(place);
  }
  return longest;
}

/** Attempts tell the order where they are never given twice; else the clock does. */
function inOrderOfClaims(runs: readonly JournaledRun[], { isDurable }: JobHistory): JournaledRun[] {
  return runs.toSorted((a, b) =>
    (isDurable ? a.attempt - b.attempt : 0) || a.startedAtMs - b.startedAtMs
  );
}

function problemsOfEnd(
  jobId: string,
  runs: readonly JournaledRun[],
  { acknowledged, isDurable, jobs }: JobHistory,
): string[] {
  const job = jobs.get(jobId);
  if (!isDurable) {
    const isLost = acknowledged.has(jobId) && !runs.some(({ end }) => end === "end");
    return isLost ? ["was acknowledged and never ran to its end"] : [];
  }
  if (job === undefined) {
    return acknowledged.has(jobId) ? ["was acknowledged and is not stored"] : [];
  }
  if (job.status === "FAILED") {
    const reason = job.failure_reason ?? "";
    return /\bcrash\b/.test(reason) ? [] : [`failed for no crash: ${reason}`];
  }
  if (job.status !== "COMPLETED") return [`is stuck: ${job.status}`];
  if (job.result === undefined) return ["completed without a result"];
  const { attempt, pid } = job.result;
  const run = runs.find((run) => run.attempt === attempt && run.pid === pid);
  if (run?.end !== "end") return [`has the result of attempt ${attempt}, which did not end`];
  const later = runs.at(-1)!.attempt;
  return later > attempt ? [`has the result of attempt ${attempt}, but attempt ${later} ran`] : [];
}

function problemsOfRuns(
  runs: readonly JournaledRun[],
  nodes: NodeFinder,
  history: JobHistory,
): string[] {
  const problems: string[] = [];
  for (const [index, run] of runs.entries()) {
    const life = nodes.lifeOf(run);
    if (life === undefined) {
      problems.push(`ran in process ${run.pid}, which belongs to no node`);
      continue;
    }
    const hasDied = life.killedAtMs !== undefined || life.stoppedAtMs !== undefined;
    if (run.end === "cut" && !hasDied) problems.push(`attempt ${run.attempt} never ended`);
    for (const later of runs.slice(index + 1)) {
      if (history.isDurable && later.attempt === run.attempt) {
        problems.push(`attempt ${run.attempt} ran twice`);
      } else if (!mayRunAgain(run, life, later, history)) {
        const endedAtMs = run.endedAtMs ?? Infinity;
        const how = later.startedAtMs < endedAtMs ? "while it ran" : "though it had ended";
        problems.push(`attempt ${run.attempt} was followed by ${later.attempt} ${how}`);
      }
    }
  }
  return problems;
}

/** Whether anything took the job from the node of the first run before its outcome was stored. */
function mayRunAgain(
  run: JournaledRun,
  life: NodeLife,
  later: JournaledRun,
  history: JobHistory,
): boolean {
  const { killedAtMs = Infinity, stoppedAtMs = Infinity } = life;
  const untilMs = later.startedAtMs + clockToleranceMs;
  if (run.end === "abort" && run.endedAtMs! <= untilMs && stoppedAtMs <= untilMs) return true;
  const leastMs = history.leaseMs - renewalMs - clockToleranceMs;
  return cutOffs(life, history.outages).some(({ fromMs, toMs }) => {
    if (toMs < run.startedAtMs - lateStartMs) return false;
    if (run.end === "end" && run.endedAtMs! + lateStoreMs < fromMs) return false;
    const isDead = killedAtMs <= Math.min(toMs, untilMs);
    return isDead || history.leaseMs > 0 && Math.min(toMs, untilMs) - fromMs >= leastMs;
  });
}

/**
 * While the node could not renew a lease or store an outcome, its death included; what is between two of
 * these is too short for it.
 */
function cutOffs({ freezes, killedAtMs }: NodeLife, outages: readonly Span[]): Span[] {
  const death = killedAtMs === undefined ? [] : [{ fromMs: killedAtMs, toMs: Infinity }];
  const joined: Span[] = [];
  for (const span of [...freezes, ...outages, ...death].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = joined.at(-1);
    if (last !== undefined && span.fromMs <= last.toMs + 2 * renewalMs) {
      last.toMs = Math.max(last.toMs, span.toMs);
    } else joined.push({ ...span });
  }
  return joined;
}

function problemsOfTimes(runs: readonly JournaledRun[], job: FinalJob | undefined): string[] {
  if (job === undefined) return [];
  const problems: string[] = [];
  if (job.run_at !== undefined) {
    const earlyMs = Date.parse(job.run_at) - Math.min(...runs.map((run) => run.startedAtMs));
    if (earlyMs > clockToleranceMs) problems.push(`started ${earlyMs} ms before its run_at`);
  }
  const times = [job.created_at, job.started_at, job.completed_at].filter((time) =>
    time !== undefined
  );
  for (const [index, time] of times.slice(1).entries()) {
    if (Date.parse(time) < Date.parse(times[index]!) - storeClockToleranceMs) {
      problems.push(`was created, started and completed at ${times.join(", ")}`);
    }
  }
  return problems;
}

interface NodeFinder {
  /** The node that the run belongs to, as it was then. */
  lifeOf(run: JournaledRun): NodeLife | undefined;
}

/** A run may be in a child process, which has another parent once its node is dead. */
function createNodeFinder({ lives, runs }: JobHistory): NodeFinder {
  // Process ids come again, but not within one test.
  const livesByPid = new Map(lives.map((life) => [life.pid, life]));
  for (const { parentPid, pid } of runs) {
    const life = livesByPid.get(parentPid);
    if (life !== undefined && !livesByPid.has(pid)) livesByPid.set(pid, life);
  }
  return { lifeOf: ({ pid }) => livesByPid.get(pid) };
}
