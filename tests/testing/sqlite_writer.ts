// A process that writes to a SQLite repository until it is killed, and a script: started by
// `startSqliteWriter`, it says on standard output what became of each job, one line a job.

import { openSqliteRepository } from "../../drivers/repositories/sqlite/repository.ts";
import { errorMessage, ValetError } from "../../src/errors.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { claimJob, runJob } from "./claim_jobs.ts";
import { makeJob } from "./make_job.ts";

/**
 * A line: `word` is `stored`, `claimed`, `finished` or `failed`, of that job; or `refused`: the file cannot
 * be opened.
 */
export interface WriterLine {
  readonly word: string;
  readonly id: string;
  readonly text: string;
}

/** A writer that runs. */
export interface SqliteWriter {
  readonly pid: number;
  /** Every line, as they come, until the process has ended. */
  readonly lines: AsyncGenerator<WriterLine>;
  /** Ends it as a crash would, with no chance to clean up; the lines that it still wrote come before. */
  kill(): void;
}

/** Starts a writer on that file. A limit on the size of files gives it an error, not a signal. */
export function startSqliteWriter(path: string): SqliteWriter {
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      `trap '' XFSZ; exec "$0" run --quiet --no-check --allow-all "$1" "$2"`,
      Deno.execPath(),
      import.meta.filename!,
      path,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  return { pid: child.pid, lines: readLines(child), kill: () => child.kill("SIGKILL") };
}

async function* readLines(child: Deno.ChildProcess): AsyncGenerator<WriterLine> {
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
  await child.status;
}

const encoder = new TextEncoder();

function say(word: string, id: string, text = ""): void {
  Deno.stdout.writeSync(encoder.encode(JSON.stringify({ word, id, text }) + "\n"));
}

/** Stores jobs one after the other, claims a third of them and runs a third. */
async function writeForEver(repository: Repository): Promise<never> {
  for (let i = 0;; i++) {
    const job = makeJob();
    try {
      await repository.insert([job]);
      say("stored", job.id);
      if (i % 3 === 1) await claimJob(repository, job.id).then(() => say("claimed", job.id));
      if (i % 3 === 2) await runJob(repository, job.id).then(() => say("finished", job.id));
    } catch (thrown) {
      const code = thrown instanceof ValetError ? thrown.code : "";
      const { isHealthy } = await repository.health();
      say(
        "failed",
        job.id,
        `${code} ${isHealthy ? "healthy" : "unhealthy"} ${errorMessage(thrown)}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

if (import.meta.main) {
  try {
    const repository = await openSqliteRepository({ path: Deno.args[0] });
    await Promise.all(Array.from({ length: 8 }, () => writeForEver(repository)));
  } catch (thrown) {
    say("refused", "", errorMessage(thrown));
  }
}
