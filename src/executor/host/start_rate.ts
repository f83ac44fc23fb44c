// Warns, once, where workers are started again and again: that costs more than the jobs do. Used by the pool's slots.

import { getLogger } from "../../log/log.ts";

/** Why a worker is started anew: in the place of one of another set, of one that was lost, or of one that was worn out. */
export type StartCause = "other_set" | "loss" | "wear";

/** More starts than this within a minute, of one cause, are too many. */
const maxStartsPerMinute = 5;
const minuteMs = 60_000;
/** After so long without too many starts the next ones are told anew. */
const calmMs = 600_000;

const log = getLogger("executor");

/** The starts of the last minute, by cause. */
export class StartRate {
  readonly #maxWorkers: number;
  readonly #startsAtMs: Record<StartCause, number[]> = { other_set: [], loss: [], wear: [] };
  #tooManyAtMs = -Infinity;

  constructor(maxWorkers: number) {
    this.#maxWorkers = maxWorkers;
  }

  /** Notes a worker that is started in the place of another one. */
  note(cause: StartCause, nowMs: number): void {
    const startsAtMs = this.#startsAtMs[cause];
    startsAtMs.push(nowMs);
    while (startsAtMs[0]! <= nowMs - minuteMs) startsAtMs.shift();
    if (startsAtMs.length <= maxStartsPerMinute) return;
    const isTold = nowMs - this.#tooManyAtMs < calmMs;
    this.#tooManyAtMs = nowMs;
    if (isTold) return;
    log.warn(warnings[cause], { starts: startsAtMs.length, max_workers: this.#maxWorkers });
  }
}

const warnings: Readonly<Record<StartCause, string>> = {
  loss:
    "workers are lost and started again all the time: the lines before say why; a task that stops when its signal " +
    "aborts keeps its worker",
  other_set:
    "workers are ended and started again all the time, because worker_pool.max_workers is too small for the sets " +
    "of permissions whose jobs come in turns; raise it, or let more tasks have the same permissions",
  wear:
    "processes are ended and started again all the time, because jobs leave more than half of " +
    "worker_pool.max_memory_mb behind in them; raise it, or keep less in variables of the tasks' modules",
};
