import assert from "node:assert/strict";
import fc from "fast-check";
import {
  applyChange,
  type Change,
  isFinished,
  type Job,
  jobStatuses,
  resultOf,
} from "../../src/job.ts";
import { makeFinish, makeJob, testNowMs } from "../testing/make_job.ts";

const waiting = makeJob();
const timed = makeJob({ runAtMs: testNowMs });
const scheduled: Job = { ...timed, status: "SCHEDULED", scheduledAtMs: testNowMs };
const running: Job = {
  ...waiting,
  status: "IN_PROGRESS",
  attempt: 2,
  startedAtMs: testNowMs - 5,
};
const completed: Job = {
  ...running,
  status: "COMPLETED",
  startedAtMs: testNowMs,
  durationMs: 7,
  completedAtMs: testNowMs + 7,
};
const failed: Job = { ...completed, status: "FAILED", failureReason: "it broke" };

const schedule: Change = { kind: "schedule", id: "any" };
const claim: Change = { kind: "claim", id: "any" };

function giveBack(attempt: number, wasStarted: boolean): Change {
  return { kind: "give_back", id: "any", attempt, wasStarted };
}

const table: readonly [name: string, job: Job, change: Change, expected: Partial<Job> | null][] = [
  ["schedule moves a timed job when its time has come", timed, schedule, {
    status: "SCHEDULED",
    scheduledAtMs: testNowMs,
  }],
  [
    "schedule leaves a timed job alone a millisecond early",
    { ...timed, runAtMs: testNowMs + 1 },
    schedule,
    null,
  ],
  ["schedule leaves a job without a time alone", waiting, schedule, null],
  ["schedule leaves a scheduled job alone", scheduled, schedule, null],
  ["schedule leaves a running job alone", running, schedule, null],
  ["schedule leaves a finished job alone", completed, schedule, null],
  ["claim takes a waiting job", waiting, claim, {
    status: "IN_PROGRESS",
    startedAtMs: testNowMs,
    attempt: 1,
  }],
  ["claim takes a scheduled job", scheduled, claim, {
    status: "IN_PROGRESS",
    startedAtMs: testNowMs,
    attempt: 1,
  }],
  ["claim counts further attempts", { ...waiting, attempt: 4 }, claim, {
    status: "IN_PROGRESS",
    startedAtMs: testNowMs,
    attempt: 5,
  }],
  ["claim leaves a timed job alone before it is scheduled", timed, claim, null],
  ["claim leaves a running job alone", running, claim, null],
  ["claim leaves a completed job alone", completed, claim, null],
  ["claim leaves a failed job alone", failed, claim, null],
  ["finish completes the running attempt", running, makeFinish("any", 2), {
    status: "COMPLETED",
    startedAtMs: testNowMs,
    durationMs: 7,
    completedAtMs: testNowMs + 7,
  }],
  [
    "finish fails the running attempt with its reason",
    running,
    makeFinish("any", 2, { status: "FAILED", resultJson: undefined, failureReason: "it broke" }),
    {
      status: "FAILED",
      failureReason: "it broke",
      startedAtMs: testNowMs,
      durationMs: 7,
      completedAtMs: testNowMs + 7,
    },
  ],
  ["finish of an earlier attempt changes nothing", running, makeFinish("any", 1), null],
  ["finish of a later attempt changes nothing", running, makeFinish("any", 3), null],
  ["finish leaves a waiting job alone", waiting, makeFinish("any", 0), null],
  ["finish leaves a finished job alone", completed, makeFinish("any", 2), null],
  ["give_back of a started job keeps the attempt", running, giveBack(2, true), {
    status: "PENDING",
    startedAtMs: undefined,
  }],
  ["give_back of a job never started was no attempt", running, giveBack(2, false), {
    status: "PENDING",
    startedAtMs: undefined,
    attempt: 1,
  }],
  [
    "give_back of a timed job makes it SCHEDULED",
    { ...scheduled, status: "IN_PROGRESS", attempt: 1, startedAtMs: testNowMs },
    giveBack(1, true),
    { status: "SCHEDULED", startedAtMs: undefined },
  ],
  ["give_back of an earlier attempt changes nothing", running, giveBack(1, true), null],
  ["give_back leaves a waiting job alone", waiting, giveBack(0, false), null],
  ["give_back leaves a finished job alone", failed, giveBack(2, true), null],
];

for (const [name, job, change, expected] of table) {
  Deno.test(`applyChange: ${name}`, () => {
    const before = structuredClone(job);
    const after = applyChange(job, change, testNowMs);
    assert.deepEqual(after, expected === null ? null : { ...job, ...expected });
    assert.deepEqual(job, before, "the job given in was changed");
  });
}

const arbitraryChange: fc.Arbitrary<Change> = fc.oneof(
  fc.constant(schedule),
  fc.constant(claim),
  fc.tuple(fc.nat(4), fc.boolean()).map(([attempt, isFailed]) =>
    makeFinish("any", attempt, isFailed ? { status: "FAILED", failureReason: "it broke" } : {})
  ),
  fc.tuple(fc.nat(4), fc.boolean()).map(([attempt, wasStarted]) => giveBack(attempt, wasStarted)),
);

/** The legal next states. Only a job without a time goes back to PENDING. */
const nextStatuses: Record<string, readonly string[]> = {
  PENDING: ["SCHEDULED", "IN_PROGRESS"],
  SCHEDULED: ["IN_PROGRESS"],
  IN_PROGRESS: ["PENDING", "SCHEDULED", "COMPLETED", "FAILED"],
  COMPLETED: [],
  FAILED: [],
};

Deno.test("applyChange: transitions stay legal under any sequence of changes", () => {
  const runAtMs = fc.option(fc.integer({ min: -20, max: 20 }), { nil: undefined });
  const steps = fc.array(fc.tuple(arbitraryChange, fc.integer({ min: -30, max: 30 })), {
    maxLength: 40,
  });
  fc.assert(fc.property(runAtMs, steps, (runAt, changes) => {
    let job = makeJob({ runAtMs: runAt });
    for (const [change, nowMs] of changes) {
      const next = applyChange(job, change, nowMs);
      if (next === null) continue;
      assert.ok(nextStatuses[job.status]!.includes(next.status), `${job.status} to ${next.status}`);
      assert.ok(next.attempt >= 0 && Math.abs(next.attempt - job.attempt) <= 1);
      assert.equal(next.status === "IN_PROGRESS", change.kind === "claim");
      assert.equal(isFinished(next), change.kind === "finish");
      assert.equal(next.completedAtMs !== undefined, isFinished(next));
      assert.equal(next.startedAtMs !== undefined, next.attempt > 0 && hasStarted(next));
      if (runAt === undefined) assert.notEqual(next.status, "SCHEDULED");
      else if (next.status === "SCHEDULED" && job.status === "PENDING") assert.ok(nowMs >= runAt);
      else assert.notEqual(next.status, "PENDING");
      job = next;
    }
  }));
});

function hasStarted(job: Job): boolean {
  return job.status === "IN_PROGRESS" || isFinished(job);
}

Deno.test("isFinished: true in the two final states alone", () => {
  const finished = jobStatuses.filter((status) => isFinished(makeJob({ status })));
  assert.deepEqual(finished, ["COMPLETED", "FAILED"]);
});

Deno.test("resultOf: keeps what the task returned, or the error", () => {
  const outcome = { startedAtMs: 1, durationMs: 2 };
  assert.deepEqual(
    resultOf("a", {
      ...outcome,
      status: "COMPLETED",
      resultJson: "{}",
      failureReason: undefined,
    }),
    { jobId: "a", metadataJson: "{}", error: undefined },
  );
  assert.deepEqual(
    resultOf("a", { ...outcome, status: "FAILED", resultJson: undefined, failureReason: "why" }),
    { jobId: "a", metadataJson: undefined, error: "why" },
  );
});
