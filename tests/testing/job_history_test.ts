// The checker of the fault tests finds every broken promise, and blames nobody for what is allowed.

import { strict as assert } from "node:assert";
import {
  type FinalJob,
  findViolations,
  type JobHistory,
  longestOvertaking,
} from "./job_history.ts";
import type { JournaledRun } from "./run_journal.ts";
import type { NodeLife } from "./valet_node.ts";

const leaseMs = 3_000;
const time = (ms: number) => new Date(ms).toISOString();

function makeLife(pid: number, life: Partial<NodeLife> = {}): NodeLife {
  return {
    node: `node${pid}`,
    pid,
    startedAtMs: 0,
    killedAtMs: undefined,
    stoppedAtMs: undefined,
    freezes: [],
    ...life,
  };
}

function makeRun(run: Partial<JournaledRun> = {}): JournaledRun {
  return {
    jobId: "a",
    attempt: 1,
    pid: 1,
    parentPid: 9,
    startedAtMs: 1_000,
    end: "end",
    endedAtMs: 1_020,
    lines: [],
    ...run,
  };
}

function makeFinalJob(job: Partial<FinalJob> = {}): FinalJob {
  return {
    id: "a",
    name: "journals",
    task_name: "journals",
    status: "COMPLETED",
    created_at: time(900),
    started_at: time(1_000),
    completed_at: time(1_020),
    result: { attempt: 1, pid: 1 },
    ...job,
  };
}

/** What the checker says of a history that is that of one good job but for what is given. */
function check(
  { job = makeFinalJob(), ...history }: Partial<JobHistory> & { readonly job?: FinalJob | null },
): string[] {
  const violations = findViolations({
    acknowledged: new Set(["a"]),
    jobs: new Map(job === null ? [] : [["a", job]]),
    runs: [makeRun()],
    lives: [makeLife(1), makeLife(2)],
    outages: [],
    isDurable: true,
    leaseMs,
    ...history,
  });
  return violations.map(({ jobId, text }) => `${jobId} ${text}`);
}

/** The second of two runs, on node 2, and the job that has its result. */
const secondRun = makeRun({ attempt: 2, pid: 2, startedAtMs: 5_000, endedAtMs: 5_020 });
const ranTwice = makeFinalJob({
  result: { attempt: 2, pid: 2 },
  started_at: time(5_000),
  completed_at: time(5_020),
});
const cutRun = makeRun({ end: "cut", endedAtMs: undefined });

Deno.test("findViolations: finds nothing where all is well", () => {
  assert.deepEqual(check({}), []);
  const inProcess = makeRun({ pid: 77, parentPid: 1 });
  assert.deepEqual(
    check({ runs: [inProcess], job: makeFinalJob({ result: { attempt: 1, pid: 77 } }) }),
    [],
  );
});

const broken: Readonly<Record<string, [Parameters<typeof check>[0], RegExp]>> = {
  "a job that is gone": [{ job: null }, /is not stored/],
  "a job that never ended": [{ job: makeFinalJob({ status: "IN_PROGRESS" }) }, /is stuck: IN_PROG/],
  "a stuck job that nobody acknowledged": [
    { job: makeFinalJob({ status: "SCHEDULED" }), acknowledged: new Set() },
    /is stuck: SCHEDULED/,
  ],
  "a failure that is no crash": [
    { job: makeFinalJob({ status: "FAILED", failure_reason: "timed out" }) },
    /failed for no crash: timed out/,
  ],
  "a job without a result": [{ job: makeFinalJob({ result: undefined }) }, /without a result/],
  "a result of a run that did not end": [
    { runs: [cutRun], lives: [makeLife(1, { killedAtMs: 1_010 })] },
    /attempt 1, which did not end/,
  ],
  "a result of an older attempt": [
    { runs: [makeRun(), secondRun], lives: [makeLife(1, { killedAtMs: 1_500 }), makeLife(2)] },
    /result of attempt 1, but attempt 2 ran/,
  ],
  "a second run for no reason": [
    { runs: [makeRun(), secondRun], job: ranTwice },
    /attempt 1 was followed by 2 though it had ended/,
  ],
  "two runs at a time": [
    { runs: [makeRun({ endedAtMs: 6_000 }), secondRun], job: ranTwice },
    /attempt 1 was followed by 2 while it ran/,
  ],
  "a second run before its node was killed": [
    {
      runs: [cutRun, secondRun],
      lives: [makeLife(1, { killedAtMs: 5_500 }), makeLife(2)],
      job: ranTwice,
    },
    /followed by 2 while it ran/,
  ],
  "a second run of a job whose result must have been stored when its node was killed": [
    {
      runs: [makeRun(), secondRun],
      lives: [makeLife(1, { killedAtMs: 4_500 }), makeLife(2)],
      job: ranTwice,
    },
    /followed by 2 though it had ended/,
  ],
  "a second run after too short a freeze": [
    {
      runs: [makeRun({ endedAtMs: 6_000 }), secondRun],
      lives: [makeLife(1, { freezes: [{ fromMs: 3_100, toMs: 5_500 }] }), makeLife(2)],
      job: ranTwice,
    },
    /followed by 2 while it ran/,
  ],
  "a second run on a node that nobody shares its store with": [
    {
      runs: [makeRun({ endedAtMs: 6_000 }), secondRun],
      lives: [makeLife(1, { freezes: [{ fromMs: 1_100, toMs: 4_900 }] }), makeLife(2)],
      job: ranTwice,
      leaseMs: 0,
    },
    /followed by 2 while it ran/,
  ],
  "an attempt that ran twice": [{ runs: [makeRun(), { ...secondRun, attempt: 1 }] }, /ran twice/],
  "a run that vanished": [
    { runs: [cutRun], job: makeFinalJob({ status: "FAILED", failure_reason: "crash 3" }) },
    /attempt 1 never ended/,
  ],
  "a run of a process of nobody": [{ lives: [makeLife(2)] }, /belongs to no node/],
  "a run before its time": [
    { job: makeFinalJob({ run_at: time(1_100) }) },
    /100 ms before its run_at/,
  ],
  "times out of order": [
    { job: makeFinalJob({ created_at: time(1_500) }) },
    /was created, started/,
  ],
  "a job that only the journal could know, without an end": [
    { isDurable: false, job: null, runs: [cutRun], lives: [makeLife(1, { killedAtMs: 1_010 })] },
    /never ran to its end/,
  ],
};

for (const [what, [history, expected]] of Object.entries(broken)) {
  Deno.test(`findViolations: finds ${what}`, () => {
    assert.match(check(history).join("\n"), expected);
  });
}

const allowed: Readonly<Record<string, Parameters<typeof check>[0]>> = {
  "a run after the node was killed": {
    runs: [cutRun, secondRun],
    lives: [makeLife(1, { killedAtMs: 1_010 }), makeLife(2)],
  },
  "a run after the node was killed that had not stored the result": {
    runs: [makeRun(), secondRun],
    lives: [makeLife(1, { killedAtMs: 1_500 }), makeLife(2)],
  },
  "a run after the node was killed while its store was out of reach": {
    runs: [makeRun(), secondRun],
    lives: [makeLife(1, { killedAtMs: 4_500 }), makeLife(2)],
    outages: [{ fromMs: 1_010, toMs: 4_000 }],
    leaseMs: 0,
  },
  "a run beside that of a node that was frozen for longer than the lease": {
    runs: [makeRun({ endedAtMs: 6_000 }), secondRun],
    lives: [makeLife(1, { freezes: [{ fromMs: 1_100, toMs: 5_900 }] }), makeLife(2)],
  },
  "a run after outages that left no time to renew": {
    runs: [makeRun(), secondRun],
    outages: [{ fromMs: 1_010, toMs: 2_500 }, { fromMs: 3_500, toMs: 4_900 }],
  },
  "a run after the node was stopped and gave the job back": {
    runs: [makeRun({ end: "abort" }), secondRun],
    lives: [makeLife(1, { stoppedAtMs: 1_000 }), makeLife(2)],
  },
};

for (const [what, history] of Object.entries(allowed)) {
  Deno.test(`findViolations: allows ${what}`, () => {
    assert.deepEqual(check({ job: ranTwice, ...history }), []);
  });
}

Deno.test("findViolations: allows a failure after the last crash", () => {
  const job = makeFinalJob({
    status: "FAILED",
    failure_reason: "it is crash 3 of the 3",
    result: undefined,
  });
  assert.deepEqual(check({ job, runs: [cutRun], lives: [makeLife(1, { killedAtMs: 1_010 })] }), []);
});

Deno.test("longestOvertaking: counts the later jobs that were first", () => {
  const started = (order: string) => [...order].map((jobId) => makeRun({ jobId }));
  const ids = [..."abcde"];
  assert.equal(longestOvertaking(ids, started("abcde")), 0);
  assert.equal(longestOvertaking(ids, started("badce")), 1);
  assert.equal(longestOvertaking(ids, started("bcdae")), 3);
  assert.equal(
    longestOvertaking(ids, started("abcdeaxb")),
    0,
    "only first runs of these jobs count",
  );
});
