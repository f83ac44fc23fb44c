// What a scenario measured, in words.

import type { FinalJob } from "../testing/job_history.ts";
import type { JournaledRun } from "../testing/run_journal.ts";
import type { NodeLife } from "../testing/valet_node.ts";
import type { DoneFault } from "./fault_plan.ts";
import type { JobLoad } from "./job_load.ts";

/** What the figures are made of. */
export interface FigureSources {
  readonly name: string;
  readonly seed: number;
  readonly load: JobLoad;
  readonly jobs: ReadonlyMap<string, FinalJob>;
  readonly runs: readonly JournaledRun[];
  readonly lives: readonly NodeLife[];
  readonly done: readonly DoneFault[];
}

/** Lines for people. */
export function describeFigures(sources: FigureSources): string[] {
  const { done, jobs, lives, load, name, runs, seed } = sources;
  const { broken, refused, unanswered, unreachable } = load.counts;
  const ranIds = new Set(runs.map(({ jobId }) => jobId));
  const failed = [...jobs.values()].filter(({ status }) => status === "FAILED").length;
  const crashes = recoveriesOfNodes(runs, lives);
  return [
    `${name}: seed ${seed}, ${load.acknowledged.size} jobs acknowledged, ${ranIds.size} ran, ` +
    `${runs.length - ranIds.size} runs beyond one per job, ${failed} failed`,
    `  answers: ${refused} times 503, ${unreachable} connections refused, ${broken} broken, ` +
    `${unanswered} without an answer`,
    `  faults: ${countFaults(done)}`,
    `  longest recovery: node ${inSeconds(crashes)}, ` +
    `broker ${inSeconds(recoveriesOf("broker", done, runs))}, ` +
    `database ${inSeconds(recoveriesOf("database", done, runs))}`,
  ];
}

function countFaults(done: readonly DoneFault[]): string {
  const groups = Map.groupBy(
    done,
    ({ kind, target }) => `${kind} ${target.replace(/\d+$/, "")}`,
  );
  return [...groups].sort().map(([what, { length }]) => `${length} ${what}`).join(", ");
}

/** From each kill of a node until the last job that it was running runs again. */
function recoveriesOfNodes(
  runs: readonly JournaledRun[],
  lives: readonly NodeLife[],
): number[] {
  const livesByPid = new Map(lives.map((life) => [life.pid, life]));
  const runsByJob = Map.groupBy(runs, ({ jobId }) => jobId);
  const recoveries: number[] = [];
  for (const run of runs) {
    const life = livesByPid.get(run.pid) ?? livesByPid.get(run.parentPid);
    const killedAtMs = life?.killedAtMs;
    if (killedAtMs === undefined) continue;
    const next = runsByJob.get(run.jobId)!.find(({ startedAtMs }) => startedAtMs > killedAtMs);
    if (next !== undefined) recoveries.push(next.startedAtMs - killedAtMs);
  }
  return recoveries;
}

/** From the moment when a killed server could be used again until the next job has started and ended. */
function recoveriesOf(
  target: string,
  done: readonly DoneFault[],
  runs: readonly JournaledRun[],
): number[] {
  return done.filter((fault) => fault.kind === "kill" && fault.target === target)
    .flatMap(({ toMs }) => {
      const ends = runs.filter((run) => run.startedAtMs >= toMs && run.end === "end")
        .map((run) => run.endedAtMs! - toMs);
      return ends.length === 0 ? [] : [Math.min(...ends)];
    });
}

function inSeconds(recoveriesMs: readonly number[]): string {
  if (recoveriesMs.length === 0) return "-";
  return `${(Math.max(...recoveriesMs) / 1_000).toFixed(2)} s`;
}
