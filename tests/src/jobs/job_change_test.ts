import assert from "node:assert/strict";
import fc from "fast-check";
import { isFinished, isWaiting, type Job, jobStatuses } from "../../../src/jobs/job.ts";
import { applyChange, type Change, changedId, resultAfter } from "../../../src/jobs/job_change.ts";
import { makeClaim, makeFinish, makeJob, testNowMs } from "../../testing/make_job.ts";

const waiting = makeJob();
const timed = makeJob({ runAtMs: testNowMs });
const scheduled: Job = { ...timed, status: "SCHEDULED", scheduledAtMs: testNowMs };
const running: Job = {
  ...waiting,
  status: "IN_PROGRESS",
  attempt: 2,
  fence: 5,
  startedAtMs: testNowMs - 5,
};
const returned: Job = { ...waiting, attempt: 2, fence: 5 };
const completed: Job = {
  ...running,
  status: "COMPLETED",
  startedAtMs: testNowMs,
  durationMs: 7,
  completedAtMs: testNowMs + 7,
};
const failed: Job = { ...completed, status: "FAILED", failureReason: "it broke" };
const stale: Job = { ...running, fence: 4 };

const schedule: Change = { kind: "schedule", id: "any" };
const claim = makeClaim("any");
const claimed = { status: "IN_PROGRESS", startedAtMs: testNowMs } as const;

function edit(fields: { name?: string; description?: string | null }): Change {
  return { kind: "edit", id: "any", ...fields };
}

function renew(held: Job): Change {
  return { kind: "renew", held, leaseMs: 1000 };
}

function giveBack(held: Job, wasStarted: boolean): Change {
  return { kind: "give_back", held, wasStarted };
}

const refuse: Change = { kind: "refuse", id: "any", failureReason: "too large" };

function rescue(held: Job, maxCrashes = 3): Change {
  return { kind: "rescue", held, maxCrashes };
}

const table: readonly [name: string, job: Job, change: Change, expected: Partial<Job> | null][] = [
  ["edit changes the name alone", running, edit({ name: "new" }), { name: "new" }],
  ["edit changes the description alone", running, edit({ description: "" }), { description: "" }],
  [
    "edit removes the description",
    { ...running, description: "d" },
    edit({ description: null }),
    { description: undefined },
  ],
  ["edit changes a finished job", failed, edit({ name: "new" }), { name: "new" }],
  ["edit of nothing changes nothing", waiting, edit({}), {}],
  ["refuse fails a waiting job, which never started", waiting, refuse, {
    status: "FAILED",
    failureReason: "too large",
    completedAtMs: testNowMs,
    durationMs: 0,
  }],
  ["refuse fails a scheduled job", scheduled, refuse, {
    status: "FAILED",
    failureReason: "too large",
    completedAtMs: testNowMs,
    durationMs: 0,
  }],
  ["refuse leaves a job alone that waits for its time", timed, refuse, null],
  ["refuse leaves a running job alone", running, refuse, null],
  ["refuse leaves a finished job alone", completed, refuse, null],
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
  ["claim takes a waiting job", waiting, claim, { ...claimed, attempt: 1, fence: 1 }],
  ["claim takes a scheduled job", scheduled, claim, { ...claimed, attempt: 1, fence: 1 }],
  ["claim counts further attempts and claims", returned, claim, {
    ...claimed,
    attempt: 3,
    fence: 6,
  }],
  ["claim leaves a timed job alone before it is scheduled", timed, claim, null],
  ["claim leaves a running job alone", running, claim, null],
  ["claim leaves a completed job alone", completed, claim, null],
  ["claim leaves a failed job alone", failed, claim, null],
  ["renew of a running job changes nothing in it", running, renew(running), {}],
  ["renew of an earlier claim does not fit", running, renew(stale), null],
  ["renew of a job given back does not fit", returned, renew(running), null],
  ["renew of a finished job does not fit", completed, renew(running), null],
  ["finish completes the running job", running, makeFinish(running), {
    status: "COMPLETED",
    startedAtMs: testNowMs,
    durationMs: 7,
    completedAtMs: testNowMs + 7,
  }],
  [
    "finish fails the running job with its reason",
    running,
    makeFinish(running, { status: "FAILED", resultJson: undefined, failureReason: "it broke" }),
    {
      status: "FAILED",
      failureReason: "it broke",
      startedAtMs: testNowMs,
      durationMs: 7,
      completedAtMs: testNowMs + 7,
    },
  ],
  ["finish rounds the duration", running, makeFinish(running, { durationMs: 1.5 }), {
    status: "COMPLETED",
    startedAtMs: testNowMs,
    durationMs: 2,
    completedAtMs: testNowMs + 2,
  }],
  [
    "finish keeps an edit since the claim",
    { ...running, name: "new" },
    makeFinish(running),
    { status: "COMPLETED", startedAtMs: testNowMs, durationMs: 7, completedAtMs: testNowMs + 7 },
  ],
  ["finish of an earlier claim does not fit", running, makeFinish(stale), null],
  ["finish of a job given back does not fit", returned, makeFinish(running), null],
  ["finish of a finished job changes nothing", completed, makeFinish(running), {}],
  ["finish of a job that a later claim finished does not fit", completed, makeFinish(stale), null],
  ["give_back of a started job keeps the attempt", running, giveBack(running, true), {
    status: "PENDING",
    startedAtMs: undefined,
  }],
  ["give_back of a job never started was no attempt", running, giveBack(running, false), {
    status: "PENDING",
    startedAtMs: undefined,
    attempt: 1,
  }],
  [
    "give_back of a timed job makes it SCHEDULED",
    { ...scheduled, ...claimed, attempt: 1, fence: 5 },
    giveBack(running, true),
    { status: "SCHEDULED", startedAtMs: undefined },
  ],
  ["give_back of an earlier claim does not fit", running, giveBack(stale, true), null],
  ["give_back of a job given back changes nothing", returned, giveBack(running, false), {}],
  ["give_back of a finished job does not fit", failed, giveBack(running, true), null],
  ["rescue returns the job and counts", running, rescue(running), {
    status: "PENDING",
    startedAtMs: undefined,
    crashes: 1,
  }],
  [
    "rescue of a timed job makes it SCHEDULED",
    { ...scheduled, ...claimed, attempt: 1, fence: 5, crashes: 1 },
    rescue(running),
    { status: "SCHEDULED", startedAtMs: undefined, crashes: 2 },
  ],
  ["rescue fails the job at maxCrashes", { ...running, crashes: 2 }, rescue(running), {
    status: "FAILED",
    failureReason:
      "the node that held the job died; this was crash 3 of the 3 that worker_pool.max_crashes allows",
    durationMs: 5,
    completedAtMs: testNowMs,
    crashes: 3,
  }],
  ["rescue of an earlier claim does not fit", running, rescue(stale), null],
  ["rescue of a job given back does not fit", returned, rescue(running), null],
  ["rescue of a finished job does not fit", completed, rescue(running), null],
];

for (const [name, job, change, expected] of table) {
  Deno.test(`applyChange: ${name}`, () => {
    const before = structuredClone(job);
    const after = applyChange(job, change, testNowMs);
    assert.deepEqual(after, expected === null ? null : { ...job, ...expected });
    assert.deepEqual(job, before, "the job given in was changed");
  });
}

/** Of the claim with that fence. */
const held = fc.nat(6).map((fence): Job => ({ ...running, fence }));

const arbitraryChange: fc.Arbitrary<Change> = fc.oneof(
  fc.constant(edit({ name: "new" })),
  fc.constant(schedule),
  fc.constant(claim),
  held.map(renew),
  fc.tuple(held, fc.boolean()).map(([held, isFailed]) =>
    makeFinish(held, isFailed ? { status: "FAILED", failureReason: "it broke" } : {})
  ),
  fc.tuple(held, fc.boolean()).map(([held, wasStarted]) => giveBack(held, wasStarted)),
  held.map((held) => rescue(held)),
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
    maxLength: 60,
    size: "max",
  });
  fc.assert(fc.property(runAtMs, steps, (runAt, changes) => {
    let job = makeJob({ runAtMs: runAt });
    for (const [change, nowMs] of changes) {
      const next = applyChange(job, change, nowMs);
      if (next === null) continue;
      const isClaim = change.kind === "claim";
      assert.equal(next.fence, job.fence + (isClaim ? 1 : 0));
      if (next.status === job.status) {
        assert.deepEqual(next, { ...job, name: next.name });
        job = next;
        continue;
      }
      assert.ok(nextStatuses[job.status]!.includes(next.status), `${job.status} to ${next.status}`);
      assert.ok(next.attempt >= 0 && Math.abs(next.attempt - job.attempt) <= 1);
      assert.ok(next.attempt <= next.fence);
      assert.equal(next.crashes, job.crashes + (change.kind === "rescue" ? 1 : 0));
      assert.equal(next.status === "IN_PROGRESS", isClaim);
      assert.equal(next.completedAtMs !== undefined, isFinished(next));
      assert.equal(next.startedAtMs !== undefined, isClaim || isFinished(next));
      if (runAt === undefined) assert.notEqual(next.status, "SCHEDULED");
      else if (next.status === "SCHEDULED" && job.status === "PENDING") assert.ok(nowMs >= runAt);
      else assert.notEqual(next.status, "PENDING");
      job = next;
    }
  }));
});

Deno.test("applyChange: a repeated finish or give_back gives the very same job", () => {
  for (const change of [makeFinish(running), giveBack(running, true), giveBack(running, false)]) {
    const after = applyChange(running, change, testNowMs)!;
    assert.equal(applyChange(after, change, testNowMs + 1), after);
  }
});

Deno.test("changedId: finds the id of every kind of change", () => {
  assert.equal(changedId(schedule), "any");
  assert.equal(changedId(makeFinish(running)), running.id);
});

Deno.test("isFinished: true in the two final states alone", () => {
  const finished = jobStatuses.filter((status) => isFinished(makeJob({ status })));
  assert.deepEqual(finished, ["COMPLETED", "FAILED"]);
});

Deno.test("isWaiting: true where the job can be claimed", () => {
  const jobs = jobStatuses.flatMap((status) => [
    makeJob({ status }),
    makeJob({ status, runAtMs: testNowMs }),
  ]);
  for (const job of jobs) {
    assert.equal(isWaiting(job), applyChange(job, claim, testNowMs) !== null);
  }
});

const metadata = { metadataJson: '"some metadata"', error: undefined };
const error = { metadataJson: undefined, error: "it broke" };
const crash = { metadataJson: undefined, error: "the node died" };
const results: readonly [name: string, change: Change, job: Job, expected: object | undefined][] = [
  ["keeps what the task returned", makeFinish(running), completed, metadata],
  ["keeps the error", makeFinish(running, { resultJson: undefined }), failed, error],
  [
    "keeps why a crashed job failed",
    rescue(running),
    { ...failed, failureReason: "the node died" },
    crash,
  ],
  ["has none for a rescued job that runs again", rescue(running), returned, undefined],
  ["has none for a job given back", giveBack(running, true), returned, undefined],
  ["has none for an edit of a finished job", edit({}), completed, undefined],
];

for (const [name, change, job, expected] of results) {
  Deno.test(`resultAfter: ${name}`, () => {
    const result = resultAfter(change, job);
    assert.deepEqual(result, expected && { jobId: job.id, ...expected });
  });
}
