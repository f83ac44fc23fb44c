// The model test: any sequence of commands gives the same answers as the oracle.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ValetError } from "../../src/errors.ts";
import { type Change, type Job, jobStatuses } from "../../src/job.ts";
import type { JobQuery, Repository } from "../../src/repository.ts";
import { makeFinish, makeJob, makeJobs } from "../testing/make_job.ts";
import { createOracleRepository } from "../testing/oracle_repository.ts";
import { readPages } from "../testing/read_pages.ts";
import type { RepositorySuite } from "./repository.ts";

/** Few ids, names and times, so that commands meet. */
const ids = makeJobs(8).map((job) => job.id);
const id = fc.constantFrom(...ids);
const timeMs = fc.integer({ min: 1, max: 6 });
const text = fc.constantFrom("a", "B", "ab", "%");
const taskName = fc.constantFrom("one", "two");
const attempt = fc.integer({ min: 0, max: 3 });

const job: fc.Arbitrary<Job> = fc.record({
  id,
  taskName,
  name: text,
  description: fc.option(text, { nil: undefined }),
  runAtMs: fc.option(timeMs, { nil: undefined }),
}).map(makeJob);

const change: fc.Arbitrary<Change> = fc.oneof(
  id.map((id): Change => ({ kind: "schedule", id })),
  id.map((id): Change => ({ kind: "claim", id })),
  fc.tuple(id, attempt, fc.boolean()).map(([id, attempt, isFailed]) =>
    makeFinish(id, attempt, isFailed ? { status: "FAILED", failureReason: "it broke" } : {})
  ),
  fc.tuple(id, attempt, fc.boolean()).map(([id, attempt, wasStarted]): Change => ({
    kind: "give_back",
    id,
    attempt,
    wasStarted,
  })),
);

const query: fc.Arbitrary<JobQuery> = fc.record({
  limit: fc.integer({ min: 1, max: 5 }),
  status: fc.option(fc.constantFrom(...jobStatuses), { nil: undefined }),
  taskName: fc.option(taskName, { nil: undefined }),
  text: fc.option(text, { nil: undefined }),
  beforeId: fc.option(id, { nil: undefined }),
});

interface Command {
  /** Shown where the test fails. */
  readonly name: string;
  run(repository: Repository): Promise<unknown>;
}

function commandsOf<Input>(
  input: fc.Arbitrary<Input>,
  name: string,
  run: (repository: Repository, input: Input) => Promise<unknown>,
): fc.Arbitrary<Command> {
  return input.map((value) => ({
    name: `${name} ${JSON.stringify(value)}`,
    run: (repository) => run(repository, value),
  }));
}

const command: fc.Arbitrary<Command> = fc.oneof(
  commandsOf(fc.array(job, { maxLength: 3 }), "insert", (to, jobs) => to.insert(jobs)),
  commandsOf(fc.array(change, { maxLength: 4 }), "change at 3", (to, list) => to.change(list, 3)),
  commandsOf(fc.tuple(change, timeMs), "change", (to, [one, nowMs]) => to.change([one], nowMs)),
  commandsOf(id, "get", (to, id) => to.get(id)),
  commandsOf(id, "delete", (to, id) => to.delete(id)),
  commandsOf(id, "getResult", (to, id) => to.getResult(id)),
  commandsOf(id, "deleteResult", (to, id) => to.deleteResult(id)),
  commandsOf(query, "list", (to, query) => readPages(to, query)),
  commandsOf(
    fc.tuple(id, fc.record({ name: text, description: text }, { requiredKeys: [] })),
    "update",
    (to, [id, fields]) => to.update(id, fields),
  ),
  commandsOf(
    fc.tuple(timeMs, fc.integer({ min: 1, max: 4 })),
    "findDue",
    (to, [nowMs, limit]) => to.findDue(nowMs, limit),
  ),
  commandsOf(fc.constant(null), "count", async (to) => ({ ...await to.count() })),
);

/** What the command answers: a value, or the code of its error. */
async function answerOf(command: Command, repository: Repository): Promise<unknown> {
  try {
    return await command.run(repository);
  } catch (error) {
    if (error instanceof ValetError) return `throws ${error.code}`;
    throw error;
  }
}

/** Declares the test. */
export function testModel({ name, open, modelRuns = 100 }: RepositorySuite): void {
  Deno.test(`${name} repository: any sequence of commands answers like the oracle`, async () => {
    const sequences = fc.array(command, { maxLength: 60, size: "max" });
    const property = fc.asyncProperty(sequences, async (commands) => {
      const oracle = createOracleRepository();
      const repository = await open();
      try {
        for (const command of commands) {
          const expected = await answerOf(command, oracle);
          assert.deepEqual(await answerOf(command, repository), expected, command.name);
        }
      } finally {
        await repository.close();
      }
    });
    await fc.assert(property, { numRuns: modelRuns });
  });
}
