// The model test: any sequence of commands gives the same answers as the oracle.

import assert from "node:assert/strict";
import fc from "fast-check";
import { ValetError } from "../../src/errors.ts";
import { type Job, jobStatuses } from "../../src/jobs/job.ts";
import { type Change, changedId } from "../../src/jobs/job_change.ts";
import type { JobQuery, Repository, WorkQuery } from "../../src/jobs/repository.ts";
import { comparableAnswer } from "../testing/comparable_answer.ts";
import { makeClaim, makeFinish, makeJob, makeJobs } from "../testing/make_job.ts";
import { createOracleRepository } from "../testing/oracle_repository.ts";
import { readPages } from "../testing/read_pages.ts";
import type { RepositorySuite } from "./repository.ts";

/** Few ids, names and times, so that commands meet. The times are of now, because leases are. */
const ids = makeJobs(5).map((job) => job.id);
const id = fc.constantFrom(...ids);
const startMs = Date.now();
const timeMs = fc.integer({ min: 1, max: 6 }).map((n) => startMs + n);
const text = fc.constantFrom("a", "B", "ab", "%");
const taskName = fc.constantFrom("one", "two");
const limit = fc.integer({ min: 1, max: 5 });

function jobOf(id: fc.Arbitrary<string>): fc.Arbitrary<Job> {
  return fc.record({
    id,
    taskName,
    name: text,
    description: fc.option(text, { nil: undefined }),
    runAtMs: fc.option(timeMs, { nil: undefined, freq: 2 }),
  }).map(makeJob);
}

/** The claims of each job so far, the last one first: what a holder, or one that was, can know. */
type Claims = ReadonlyMap<string, readonly Job[]>;

/** A change, as soon as it is known who has claimed what. */
interface Step {
  readonly name: string;
  toChange(claims: Claims): Change;
}

function stepsOf<Input>(
  input: fc.Arbitrary<Input>,
  name: string,
  toChange: (id: string, input: Input) => Change,
): fc.Arbitrary<Step> {
  return fc.tuple(id, input).map(([id, value]) => ({
    name: `${name} ${id} ${JSON.stringify(value)}`,
    toChange: () => toChange(id, value),
  }));
}

/** By one who has claimed a job, mostly the one who holds it now. */
function heldStepsOf<Input>(
  input: fc.Arbitrary<Input>,
  name: string,
  toChange: (held: Job, input: Input) => Change,
): fc.Arbitrary<Step> {
  const age = fc.constantFrom(0, 0, 0, 0, 1, 2);
  return fc.tuple(fc.nat(ids.length), age, input).map(([place, age, value]) => ({
    name: `${name} of claimed job ${place}, ${age} claims ago, ${JSON.stringify(value)}`,
    toChange(claims) {
      const [id, claimsOfJob] = [...claims][place % claims.size] ?? [ids[0]!, []];
      const unknown = makeJob({ id, status: "IN_PROGRESS", fence: 99 });
      return toChange(claimsOfJob[age] ?? unknown, value);
    },
  }));
}

const fields = fc.record({ name: text, description: fc.option(text) }, { requiredKeys: [] });
const outcome = fc.constantFrom(
  {},
  { resultJson: "2", durationMs: 1.5 },
  { status: "FAILED", resultJson: undefined, failureReason: "it broke" } as const,
);

const step: fc.Arbitrary<Step> = fc.oneof(
  stepsOf(fields, "edit", (id, fields) => ({ kind: "edit", id, ...fields })),
  stepsOf(
    fc.constant(null),
    "refuse",
    (id) => ({ kind: "refuse", id, failureReason: "too large for the queue" }),
  ),
  stepsOf(fc.constant(null), "schedule", (id) => ({ kind: "schedule", id })),
  { arbitrary: stepsOf(fc.constant(null), "claim", (id) => makeClaim(id)), weight: 2 },
  heldStepsOf(fc.constant(null), "renew", (held) => ({ kind: "renew", held, leaseMs: 3_600_000 })),
  heldStepsOf(outcome, "finish", makeFinish),
  heldStepsOf(
    fc.boolean(),
    "give_back",
    (held, wasStarted) => ({ kind: "give_back", held, wasStarted }),
  ),
  heldStepsOf(
    fc.integer({ min: 1, max: 3 }),
    "rescue",
    (held, maxCrashes) => ({ kind: "rescue", held, maxCrashes }),
  ),
);

const query: fc.Arbitrary<JobQuery> = fc.record({
  limit,
  status: fc.option(fc.constantFrom(...jobStatuses), { nil: undefined }),
  taskName: fc.option(taskName, { nil: undefined }),
  text: fc.option(text, { nil: undefined }),
  beforeId: fc.option(id, { nil: undefined }),
});

const workQuery: fc.Arbitrary<WorkQuery> = fc.record({
  state: fc.constantFrom("due", "waiting", "abandoned"),
  nowMs: timeMs,
  limit,
  afterId: fc.option(id, { nil: undefined }),
});

interface Command {
  /** Shown where the test fails. */
  readonly name: string;
  run(repository: Repository, claims: Claims): unknown;
}

function commandsOf<Input>(
  input: fc.Arbitrary<Input>,
  name: string,
  run: (repository: Repository, input: Input) => unknown,
): fc.Arbitrary<Command> {
  return input.map((value) => ({
    name: `${name} ${JSON.stringify(value)}`,
    run: (repository) => run(repository, value),
  }));
}

const changes: fc.Arbitrary<Command> = fc.tuple(fc.array(step, { maxLength: 4 }), timeMs)
  .map(([steps, nowMs]) => ({
    name: `at ${nowMs}: ${steps.map((step) => step.name).join(", ")}`,
    async run(repository, claims) {
      // Each id may occur once in a call.
      const changesById = new Map(steps.map((step) => {
        const change = step.toChange(claims);
        return [changedId(change), change];
      }));
      const changes = [...changesById.values()];
      const answers = await repository.change(changes, nowMs);
      assert.equal(answers.length, changes.length);
      return {
        answers: changes.map((change, i) => comparableAnswer(change, answers[i])),
        jobs: await Promise.all(changes.map((change) => repository.get(changedId(change)))),
        results: await Promise.all(
          changes.map((change) => repository.getResult(changedId(change))),
        ),
      };
    },
  }));

function insertsOf(jobs: fc.Arbitrary<readonly Job[]>): fc.Arbitrary<Command> {
  return commandsOf(jobs, "insert", (to, jobs) => to.insert(jobs));
}

const command: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: insertsOf(fc.array(jobOf(id), { maxLength: 1 })), weight: 4 },
  { arbitrary: changes, weight: 10 },
  commandsOf(id, "get", (to, id) => to.get(id)),
  { arbitrary: commandsOf(id, "delete", (to, id) => to.delete(id)), weight: 2 },
  commandsOf(id, "getResult", (to, id) => to.getResult(id)),
  commandsOf(id, "deleteResult", (to, id) => to.deleteResult(id)),
  commandsOf(query, "list", (to, query) => readPages(to, query)),
  commandsOf(workQuery, "find", (to, query) => to.find(query)),
  commandsOf(fc.constant(null), "count", async (to) => {
    const { byStatus, waiting } = await to.count();
    return { ...byStatus, waiting };
  }),
);

/** Begins with something to do, which shrinking keeps. */
const sequence: fc.Arbitrary<readonly Command[]> = fc.tuple(
  insertsOf(fc.tuple(...ids.map((id) => jobOf(fc.constant(id))))),
  fc.array(command, { maxLength: 80, size: "max" }),
).map(([first, rest]) => [first, ...rest]);

/** What the command answers: a value, or the code of its error. */
async function answerOf(
  command: Command,
  repository: Repository,
  claims: Claims,
): Promise<unknown> {
  try {
    return await command.run(repository, claims);
  } catch (error) {
    if (error instanceof ValetError) return `throws ${error.code}`;
    throw error;
  }
}

/** The oracle, and the claims of the jobs that it has. An id that is stored again is another job. */
function createModel(isShared: boolean): { oracle: Repository; readClaims(): Claims } {
  const oracle = createOracleRepository(isShared);
  const claims = new Map<string, readonly Job[]>();
  return {
    oracle: {
      ...oracle,
      async change(changes, nowMs) {
        const answers = await oracle.change(changes, nowMs);
        for (const [i, change] of changes.entries()) {
          const [id, job] = [changedId(change), answers[i]];
          if (change.kind === "claim" && job) claims.set(id, [job, ...claims.get(id) ?? []]);
        }
        return answers;
      },
      delete(id) {
        claims.delete(id);
        return oracle.delete(id);
      },
    },
    readClaims: () => new Map(claims),
  };
}

/** Declares the test. */
export function testModel(suite: RepositorySuite): void {
  const { name, open, openSecond, declare = Deno.test, modelRuns = 100 } = suite;
  declare(`${name} repository: any sequence of commands answers like the oracle`, async () => {
    const property = fc.asyncProperty(sequence, async (commands) => {
      const { oracle, readClaims } = createModel(openSecond !== undefined);
      const repository = await open();
      try {
        for (const command of commands) {
          const claims = readClaims();
          const expected = await answerOf(command, oracle, claims);
          assert.deepEqual(await answerOf(command, repository, claims), expected, command.name);
        }
      } finally {
        await repository.close();
      }
    });
    await fc.assert(property, { numRuns: modelRuns });
  });
}
