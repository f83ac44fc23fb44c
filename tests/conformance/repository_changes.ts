// Conformance of change: the rules of applyChange, by compare-and-set.

import assert from "node:assert/strict";
import type { Job } from "../../src/jobs/job.ts";
import { applyChange, type Change, resultAfter } from "../../src/jobs/job_change.ts";
import type { Repository } from "../../src/jobs/repository.ts";
import { claimJob, claimJobs, runJob } from "../testing/claim_jobs.ts";
import { comparableAnswer } from "../testing/comparable_answer.ts";
import { makeClaim, makeFinish, makeJob, makeJobs, testNowMs } from "../testing/make_job.ts";
import type { TestRepository } from "./repository.ts";

async function changeOne(repository: Repository, change: Change): Promise<Job | null> {
  const answers = await repository.change([change], testNowMs);
  assert.equal(answers.length, 1);
  return answers[0] ?? null;
}

type Step = "schedule" | "claim" | "give back" | "complete" | "fail" | "edit";

const failure = { status: "FAILED", resultJson: undefined, failureReason: "it broke" } as const;

function changeOf(step: Step, id: string, held: Job): Change {
  switch (step) {
    case "schedule":
      return { kind: "schedule", id };
    case "claim":
      return makeClaim(id);
    case "give back":
      return { kind: "give_back", held, wasStarted: true };
    case "complete":
      return makeFinish(held);
    case "fail":
      return makeFinish(held, failure);
    case "edit":
      return { kind: "edit", id, name: "edited", description: "edited" };
  }
}

/** What can have happened to a job before a change comes. */
const stories: readonly { readonly runAtMs?: number; readonly steps: readonly Step[] }[] = [
  { steps: [] },
  { steps: ["claim"] },
  { steps: ["claim", "edit"] },
  { steps: ["claim", "give back"] },
  { steps: ["claim", "give back", "claim"] },
  { steps: ["claim", "give back", "claim", "complete"] },
  { steps: ["claim", "fail"] },
  { runAtMs: testNowMs + 1, steps: [] },
  { runAtMs: testNowMs, steps: [] },
  { runAtMs: testNowMs, steps: ["schedule"] },
  { runAtMs: testNowMs, steps: ["schedule", "claim"] },
  { runAtMs: testNowMs, steps: ["schedule", "claim", "give back"] },
  { runAtMs: testNowMs, steps: ["schedule", "claim", "give back", "claim", "fail", "edit"] },
];

/** Every change but `rescue`, which is for abandoned jobs alone. `held` is of the last claim. */
function everyChange(id: string, held: Job): Change[] {
  return [
    { kind: "edit", id, name: "new" },
    { kind: "edit", id, description: "new" },
    { kind: "edit", id },
    { kind: "schedule", id },
    makeClaim(id),
    ...[held.fence - 1, held.fence, held.fence + 1].filter((fence) => fence > 0)
      .map((fence) => ({ ...held, fence }))
      .flatMap((held): Change[] => [
        { kind: "renew", held, leaseMs: 3_600_000 },
        { kind: "give_back", held, wasStarted: true },
        { kind: "give_back", held, wasStarted: false },
        makeFinish(held, { resultJson: '"another"', durationMs: 99 }),
        makeFinish(held, { ...failure, failureReason: "another" }),
      ]),
  ];
}

/** A new job after the steps, and that job as it was claimed last. */
async function tell(
  repository: Repository,
  { runAtMs, steps }: typeof stories[number],
): Promise<{ readonly job: Job; readonly held: Job }> {
  let job = makeJob({ runAtMs });
  let held = job;
  await repository.insert([job]);
  for (const step of steps) {
    assert.ok(await changeOne(repository, changeOf(step, job.id, held)), step);
    job = (await repository.get(job.id))!;
    if (step === "claim") held = job;
  }
  return { job, held };
}

/** Declares the tests. */
export function testChanges(test: TestRepository): void {
  for (const story of stories) {
    const { runAtMs, steps } = story;
    const time = runAtMs === undefined ? "" : ` with run_at in ${runAtMs - testNowMs} ms`;
    test(`any change of a job${time} after [${steps}] does what applyChange says`, async (to) => {
      const kinds = everyChange("any", (await tell(to, story)).held).length;
      for (let i = 0; i < kinds; i++) {
        const { job, held } = await tell(to, story);
        const change = everyChange(job.id, held)[i]!;
        const result = await to.getResult(job.id);
        const expected = applyChange(job, change, testNowMs);
        const answer = await changeOne(to, change);
        const what = JSON.stringify(change);
        assert.deepEqual(
          comparableAnswer(change, answer),
          comparableAnswer(change, expected),
          what,
        );
        assert.deepEqual(await to.get(job.id), expected ?? job, what);
        const isChanged = expected !== null && expected !== job;
        const added = isChanged ? resultAfter(change, expected) : undefined;
        assert.deepEqual(await to.getResult(job.id), added ?? result, what);
      }
    });
  }

  test("change of an unknown id is null and stores nothing", async (repository) => {
    const job = makeJob();
    for (const change of everyChange(job.id, { ...job, status: "IN_PROGRESS", fence: 1 })) {
      assert.equal(await changeOne(repository, change), null, change.kind);
    }
    assert.equal(await repository.get(job.id), null);
    assert.equal(await repository.getResult(job.id), null);
  });

  test("change answers each change in its place", async (repository) => {
    const [a, b, c, d, e, f, unknown] = makeJobs(7) as [Job, Job, Job, Job, Job, Job, Job];
    await repository.insert([a, b, c, d, e, f]);
    const [heldB, heldC, heldE] = await claimJobs(repository, [b.id, c.id, e.id]) as [
      Job,
      Job,
      Job,
    ];
    const answers = await repository.change([
      makeFinish(heldC),
      makeClaim(unknown.id),
      makeClaim(a.id),
      { kind: "edit", id: f.id, name: "new" },
      makeFinish({ ...heldE, fence: 9 }),
      { kind: "schedule", id: d.id },
      { kind: "give_back", held: heldB, wasStarted: false },
    ], testNowMs);
    assert.deepEqual(answers.map((job) => job === null ? null : [job.id, job.status]), [
      [c.id, "COMPLETED"],
      null,
      [a.id, "IN_PROGRESS"],
      [f.id, "PENDING"],
      null,
      null,
      [b.id, "PENDING"],
    ]);
  });

  test("change takes a thousand changes, and none", async (repository) => {
    assert.deepEqual(await repository.change([], testNowMs), []);
    const jobs = makeJobs(1000);
    const ids = jobs.map((job) => job.id);
    await repository.insert(jobs);
    const held = await claimJobs(repository, ids);
    assert.deepEqual(held.map((job) => job.id), ids);
    const finishes = held.toReversed().map((job) => makeFinish(job, { resultJson: `"${job.id}"` }));
    const finished = await repository.change(finishes, testNowMs);
    assert.deepEqual(finished.map((job) => job?.id), ids.toReversed());
    assert.equal((await repository.count()).byStatus.COMPLETED, 1000);
    for (const id of [ids[0]!, ids[500]!, ids[999]!]) {
      assert.equal((await repository.getResult(id))?.metadataJson, `"${id}"`);
    }
  });

  test("the fence grows by one with each claim and never falls", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const fences = [(await repository.get(job.id))!.fence];
    for (let i = 0; i < 5; i++) {
      const held = await claimJob(repository, job.id);
      const wasStarted = i % 2 === 0;
      await changeOne(repository, { kind: "give_back", held, wasStarted });
      const after = (await repository.get(job.id))!;
      assert.equal(after.fence, held.fence);
      assert.equal(after.attempt, wasStarted ? held.attempt : held.attempt - 1);
      fences.push(held.fence);
    }
    fences.push((await runJob(repository, job.id)).fence);
    await changeOne(repository, { kind: "edit", id: job.id, name: "new" });
    fences.push((await repository.get(job.id))!.fence);
    assert.deepEqual(fences, [0, 1, 2, 3, 4, 5, 6, 6]);
  });

  test("finish and give_back of an old claim change nothing", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const first = await claimJob(repository, job.id);
    await changeOne(repository, { kind: "give_back", held: first, wasStarted: true });
    assert.equal(await changeOne(repository, makeFinish(first)), null);
    const second = await claimJob(repository, job.id);
    const late: Change[] = [
      makeFinish(first, { resultJson: '"old"' }),
      { kind: "give_back", held: first, wasStarted: false },
      { kind: "renew", held: first, leaseMs: 3_600_000 },
    ];
    for (const change of late) assert.equal(await changeOne(repository, change), null);
    assert.deepEqual(await repository.get(job.id), second);
    assert.equal(await repository.getResult(job.id), null);
    await changeOne(repository, makeFinish(second, { resultJson: '"new"' }));
    for (const change of late) assert.equal(await changeOne(repository, change), null);
    assert.equal((await repository.getResult(job.id))?.metadataJson, '"new"');
  });

  test("a repeated finish fits, and the first outcome stands", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const held = await claimJob(repository, job.id);
    await changeOne(repository, makeFinish(held, { resultJson: "1" }));
    const stored = await repository.get(job.id);
    for (const outcome of [{ resultJson: "1" }, { resultJson: "2", durationMs: 99 }, failure]) {
      const again = await changeOne(repository, makeFinish(held, outcome));
      assert.equal(again?.status, "COMPLETED");
      assert.deepEqual(await repository.get(job.id), stored);
      assert.equal((await repository.getResult(job.id))?.metadataJson, "1");
    }
    assert.equal((await repository.count()).byStatus.COMPLETED, 1);
  });

  test("a repeated finish brings no deleted result back", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const held = await claimJob(repository, job.id);
    await changeOne(repository, makeFinish(held));
    await repository.deleteResult(job.id);
    assert.ok(await changeOne(repository, makeFinish(held)));
    assert.equal(await repository.getResult(job.id), null);
  });

  test("a repeated give_back fits and changes nothing", async (repository) => {
    const jobs = [makeJob(), makeJob({ runAtMs: testNowMs, status: "SCHEDULED" })];
    await repository.insert(jobs);
    for (const { id, status } of jobs) {
      const held = await claimJob(repository, id);
      await changeOne(repository, { kind: "give_back", held, wasStarted: false });
      const stored = await repository.get(id);
      assert.deepEqual([stored?.status, stored?.attempt], [status, 0]);
      for (const wasStarted of [false, true]) {
        const again = await changeOne(repository, { kind: "give_back", held, wasStarted });
        assert.deepEqual([again?.status, again?.attempt, again?.fence], [status, 0, 1]);
        assert.deepEqual(await repository.get(id), stored);
      }
    }
  });

  test("a repeated give_back of a job that was claimed since is null", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const held = await claimJob(repository, job.id);
    await changeOne(repository, { kind: "give_back", held, wasStarted: true });
    const next = await claimJob(repository, job.id);
    const again = await changeOne(repository, { kind: "give_back", held, wasStarted: true });
    assert.equal(again, null);
    assert.deepEqual(await repository.get(job.id), next);
  });

  test("renew of a held job changes nothing that can be seen", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const held = await claimJob(repository, job.id);
    assert.ok(await changeOne(repository, { kind: "renew", held, leaseMs: 3_600_000 }));
    assert.deepEqual(await repository.get(job.id), held);
  });

  test("finish takes times and durations of the task, not of the call", async (repository) => {
    const job = makeJob();
    await repository.insert([job]);
    const held = await claimJob(repository, job.id);
    const outcome = { startedAtMs: testNowMs - 90_000_123, durationMs: 90_000_001 };
    await changeOne(repository, makeFinish(held, outcome));
    const after = await repository.get(job.id);
    assert.equal(after?.startedAtMs, testNowMs - 90_000_123);
    assert.equal(after?.durationMs, 90_000_001);
    assert.equal(after?.completedAtMs, testNowMs - 122);
  });

  test("finish stores no part of a millisecond", async (repository) => {
    const jobs = makeJobs(3);
    await repository.insert(jobs);
    for (const [i, durationMs] of [0.4, 0.5, 1234.567].entries()) {
      await runJob(repository, jobs[i]!.id, { durationMs });
      const after = await repository.get(jobs[i]!.id);
      assert.equal(after?.durationMs, Math.round(durationMs));
      assert.equal(after?.completedAtMs, testNowMs + Math.round(durationMs));
    }
  });
}
