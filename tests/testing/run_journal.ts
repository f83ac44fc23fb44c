// Reads what the fixture task `journals` writes: which process ran which job when, whatever became of that
// process since.

/** One run of a job, as its task has seen it. */
export interface JournaledRun {
  readonly jobId: string;
  readonly attempt: number;
  /** The process that the task ran in, and its parent: one of them is the node. */
  readonly pid: number;
  readonly parentPid: number;
  /** By the clock of that process, in milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
  /** `cut`: the task's last line is missing, so its process ended first, or it still runs. */
  end: "end" | "abort" | "cut";
  endedAtMs: number | undefined;
  /** The lines as they stand. */
  readonly lines: string[];
}

/** A journal that grows while it is read. */
export class RunJournal {
  readonly path: string;
  /** Every run so far, in the order of their starts. */
  readonly runs: JournaledRun[] = [];
  /** Jobs that have ended a run in order. */
  readonly endedIds = new Set<string>();
  /** Lines that are none, or that do not fit those before. */
  readonly strayLines: string[] = [];
  readonly #openRuns = new Map<string, JournaledRun>();
  #bytesRead = 0;
  #rest = "";

  constructor(path: string) {
    this.path = path;
  }

  /** Takes in what was written since the last call. */
  read(): this {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(this.path);
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return this; // No run has started yet.
      throw thrown;
    }
    using _ = file;
    file.seekSync(this.#bytesRead, Deno.SeekMode.Start);
    const buffer = new Uint8Array(65_536);
    for (let count; (count = file.readSync(buffer)) !== null;) {
      this.#bytesRead += count;
      this.#take(new TextDecoder().decode(buffer.subarray(0, count)));
    }
    return this;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) this.#takeLine(line);
  }

  #takeLine(line: string): void {
    const [event, jobId, attempt, pid, parentPid, timeMs] = line.split(" ");
    const key = `${jobId} ${attempt} ${pid}`;
    const run = this.#openRuns.get(key);
    if (event === "start" && run === undefined) {
      const opened: JournaledRun = {
        jobId: jobId!,
        attempt: Number(attempt),
        pid: Number(pid),
        parentPid: Number(parentPid),
        startedAtMs: Number(timeMs),
        end: "cut",
        endedAtMs: undefined,
        lines: [line],
      };
      this.#openRuns.set(key, opened);
      this.runs.push(opened);
    } else if ((event === "end" || event === "abort") && run !== undefined) {
      this.#openRuns.delete(key);
      run.end = event;
      run.endedAtMs = Number(timeMs);
      run.lines.push(line);
      if (event === "end") this.endedIds.add(jobId!);
    } else {
      this.strayLines.push(line);
    }
  }
}
