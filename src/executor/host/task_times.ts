// How long the runs of each task take on average. The pool hands out by it.

/** What a new duration counts against the average so far. */
const newWeight = 0.1;

/** The averages of the tasks, in milliseconds. */
export class TaskTimes {
  readonly #averagesMs = new Map<string, number>();
  /** The average of the tasks as they have come lately; undefined: no run has ended. */
  mixMs: number | undefined;

  /** Notes how long a run of the task took. */
  note(taskName: string, durationMs: number): void {
    const averageMs = weigh(this.#averagesMs.get(taskName), durationMs);
    this.#averagesMs.set(taskName, averageMs);
    this.mixMs = weigh(this.mixMs, averageMs);
  }

  /** The average of the task; undefined: no run of it has ended. */
  of(taskName: string): number | undefined {
    return this.#averagesMs.get(taskName);
  }
}

function weigh(averageMs: number | undefined, newMs: number): number {
  return averageMs === undefined ? newMs : averageMs * (1 - newWeight) + newMs * newWeight;
}
