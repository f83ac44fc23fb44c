import assert from "node:assert/strict";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import { storeEnds } from "../../../src/engine/end_store.ts";
import { type ErrorCode, ValetError } from "../../../src/errors.ts";
import type { Job } from "../../../src/jobs/job.ts";
import type { Change } from "../../../src/jobs/job_change.ts";
import { CapturedLogs } from "../../testing/captured_logs.ts";
import { claimJobs } from "../../testing/claim_jobs.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { makeFinish, makeJobs, testNowMs } from "../../testing/make_job.ts";

/** Claimed jobs in a store that throws what `faultOf` says of a change. */
async function open(count: number, faultOf: (change: Change) => ErrorCode | undefined) {
  const stored = await openMemoryRepository();
  const jobs = makeJobs(count);
  await stored.insert(jobs);
  const held = await claimJobs(stored, jobs.map(({ id }) => id));
  const calls: number[] = [];
  const clock = new FakeClock(testNowMs);
  const stopping = new AbortController();
  const repository = {
    change(changes: readonly Change[], nowMs: number) {
      calls.push(changes.length);
      const code = changes.map(faultOf).find((code) => code !== undefined);
      if (code === undefined) return stored.change(changes, nowMs);
      return Promise.reject(new ValetError(code, "Cannot store 9 bytes; 8 are allowed"));
    },
  };
  const store = (changes: readonly Change[]) =>
    storeEnds(changes, { repository, clock, signal: stopping.signal });
  return { stored, held, calls, clock, stopping, store };
}

const textOf = (change: Change) =>
  change.kind === "finish" ? change.outcome.resultJson ?? change.outcome.failureReason ?? "" : "";

/** Lets so many waits pass. */
async function passWaits(clock: FakeClock, count: number): Promise<void> {
  for (let i = 0; i < count; i++) clock.advance(await clock.asleep());
}

Deno.test("storeEnds stores all in one step where the store takes them", async () => {
  const { held, calls, store } = await open(3, () => undefined);
  const stored = await store(held.map((job) => makeFinish(job)));
  assert.deepEqual(stored!.map(({ job }) => job?.status), ["COMPLETED", "COMPLETED", "COMPLETED"]);
  assert.deepEqual(calls, [3]);
});

for (const code of ["too_large", "invalid_argument"] as const) {
  Deno.test(`storeEnds fails a job whose result is ${code}, at once, and stores the others`, async () => {
    await using logs = new CapturedLogs();
    const { stored, held, store } = await open(
      3,
      (change) => textOf(change) === '"bad"' ? code : undefined,
    );
    const ends = held.map((job, i) =>
      makeFinish(job, { resultJson: i === 1 ? '"bad"' : '"good"' })
    );
    const answers = await store(ends);
    assert.deepEqual(answers!.map(({ job }) => job?.status), ["COMPLETED", "FAILED", "COMPLETED"]);
    const reason = "the result cannot be stored: Cannot store 9 bytes; 8 are allowed";
    assert.equal((await stored.getResult(held[1]!.id))?.error, reason);
    const { change } = answers![1]!;
    assert.equal(change.kind === "finish" && change.outcome.failureReason, reason);
    await logs.waitFor({ message: "cannot store how a job ended", job_id: held[1]!.id });
  });
}

Deno.test("storeEnds stores a plain reason where the store refuses the one of the failure, and its own", async () => {
  await using _ = new CapturedLogs();
  const { stored, held, store } = await open(
    1,
    (change) => textOf(change).length > 60 ? "too_large" : undefined,
  );
  const failure = {
    status: "FAILED",
    resultJson: undefined,
    failureReason: "x".repeat(100),
  } as const;
  await store([makeFinish(held[0]!, failure)]);
  const job = await stored.get(held[0]!.id);
  assert.equal(job?.failureReason, "the outcome cannot be stored; the log says why");
});

Deno.test("storeEnds gives up a job of which the store refuses everything, and tells which", async () => {
  await using _ = new CapturedLogs();
  const bad = (id: string) => (change: Change) =>
    "held" in change && change.held.id === id ? "too_large" as const : undefined;
  let fault: (change: Change) => ErrorCode | undefined = () => undefined;
  const { held, store } = await open(2, (change) => fault(change));
  fault = bad(held[0]!.id);
  const answers = await store(held.map((job) => makeFinish(job)));
  assert.deepEqual(answers!.map(({ job }) => job?.status), [undefined, "COMPLETED"]);
  const giveBack = { kind: "give_back", held: held[0]!, wasStarted: false } as const;
  assert.deepEqual(await store([giveBack]), [{ change: giveBack, job: undefined }]);
});

Deno.test("storeEnds tries an error five times of which nobody knows whether it stays", async () => {
  await using _ = new CapturedLogs();
  let errors = 0;
  const { held, clock, store } = await open(1, (change) => {
    if (textOf(change) !== '"odd"') return undefined;
    errors++;
    return "internal";
  });
  const storing = store([makeFinish(held[0]!, { resultJson: '"odd"' })]);
  await passWaits(clock, 4);
  const answers = await storing;
  assert.deepEqual([errors, answers![0]!.job?.status], [5, "FAILED"]);
});

Deno.test("storeEnds waits through an outage, as long as it takes, and fails nothing for it", async () => {
  let outages = 30;
  const { held, clock, store } = await open(1, () => outages-- > 0 ? "unavailable" : undefined);
  const storing = store(held.map((job) => makeFinish(job)));
  await passWaits(clock, 30);
  const answers = await storing;
  assert.equal(answers![0]!.job?.status, "COMPLETED");
});

Deno.test("storeEnds ends without an answer where the node gives up", async () => {
  const { held, clock, stopping, store } = await open(1, () => "unavailable");
  const storing = store([makeFinish(held[0] as Job)]);
  await clock.asleep();
  stopping.abort();
  assert.equal(await storing, null);
});
