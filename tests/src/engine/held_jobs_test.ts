import assert from "node:assert/strict";
import { ValetError } from "../../../src/errors.ts";
import { HeldJobs, type HeldJobsOptions } from "../../../src/engine/held_jobs.ts";
import type { Job } from "../../../src/jobs/job.ts";
import { applyChange, type Change } from "../../../src/jobs/job_change.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { makeClaim, makeJob, testNowMs } from "../../testing/make_job.ts";

function makeClaimed(): Job {
  const job = makeJob();
  return applyChange(job, makeClaim(job.id), testNowMs)!;
}

/** Held jobs on a store that answers as the test says, and what was lost. */
function makeHeld(change: HeldJobsOptions["repository"]["change"], leaseMs = 30_000) {
  const clock = new FakeClock(testNowMs);
  const lost: Job[] = [];
  const renewals: Change[][] = [];
  const ended = new AbortController();
  const held = new HeldJobs({
    clock,
    leaseMs,
    onLost: (job) => lost.push(job),
    repository: {
      change(changes, nowMs) {
        renewals.push([...changes]);
        return change(changes, nowMs);
      },
    },
  });
  return { clock, lost, renewals, held, ended };
}

Deno.test("HeldJobs renews every lease in one change, long before it is over", async () => {
  for (const [leaseMs, everyMs] of [[30_000, 1_000], [1_500, 500]] as const) {
    const { clock, held, renewals, ended } = makeHeld(
      (changes) => Promise.resolve(changes.map((change) => "held" in change ? change.held : null)),
      leaseMs,
    );
    const jobs = [makeClaimed(), makeClaimed()];
    for (const job of jobs) held.add(job);
    const renewing = held.renewUntil(ended.signal);
    assert.equal(await clock.asleep(), everyMs);
    clock.advance(everyMs);
    await clock.asleep();
    assert.deepEqual(renewals, [jobs.map((job) => ({ kind: "renew", held: job, leaseMs }))]);
    ended.abort();
    await renewing;
  }
});

Deno.test("HeldJobs asks for nothing while nothing is held", async () => {
  const { clock, held, renewals, ended } = makeHeld(() => Promise.reject(new Error("asked")));
  const renewing = held.renewUntil(ended.signal);
  clock.advance(await clock.asleep());
  await clock.asleep();
  assert.deepEqual(renewals, []);
  ended.abort();
  await renewing;
});

Deno.test("HeldJobs tells of a job that the store gives to it no longer, unless it holds a later claim", async () => {
  const { promise, resolve } = Promise.withResolvers<readonly null[]>();
  const asked = Promise.withResolvers<void>();
  const { clock, held, lost, ended } = makeHeld(() => {
    asked.resolve();
    return promise;
  });
  const [gone, reclaimed, finished] = [makeClaimed(), makeClaimed(), makeClaimed()];
  for (const job of [gone, reclaimed, finished]) held.add(job);
  const renewing = held.renewUntil(ended.signal);
  clock.advance(await clock.asleep());
  await asked.promise;
  const later = { ...reclaimed, fence: 2 };
  held.add(later);
  held.remove(reclaimed);
  held.remove(finished);
  resolve([null, null, null]);
  await clock.asleep();
  assert.deepEqual(lost, [gone]);
  assert.deepEqual([held.has(reclaimed.id), held.has(finished.id)], [true, false]);
  ended.abort();
  await renewing;
});

Deno.test("HeldJobs goes on after errors, and logs only those that are no outage", async () => {
  await using logs = new CapturedLogs();
  const errors = [new ValetError("unavailable", "gone"), new Error("odd")];
  const { clock, held, renewals, ended } = makeHeld((changes) => {
    const error = errors.shift();
    return error === undefined
      ? Promise.resolve(changes.map((change) => "held" in change ? change.held : null))
      : Promise.reject(error);
  });
  held.add(makeClaimed());
  const renewing = held.renewUntil(ended.signal);
  for (let tries = 0; tries < 3; tries++) clock.advance(await clock.asleep());
  await clock.asleep();
  assert.equal(renewals.length, 3);
  ended.abort();
  await renewing;
  await logs.waitFor({ component: "dispatcher", level: "error", reason: "odd" });
  assert.deepEqual(logs.lines.filter(({ reason }) => reason === "gone"), []);
});
