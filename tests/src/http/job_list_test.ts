import assert from "node:assert/strict";
import type { JobPage } from "../../../src/jobs/service.ts";
import { makeApp } from "../../testing/make_app.ts";
import { makeJobs } from "../../testing/make_job.ts";

Deno.test("GET /jobs?q= that finds nothing is one empty page, without a cursor and without more", async () => {
  const { request, repository } = await makeApp();
  await repository.insert(makeJobs(30_000));
  const { status, text } = await request("GET", "/jobs?q=zzz");
  assert.equal(status, 200);
  assert.equal(text, '{"jobs":[]}');
});

Deno.test("GET /jobs?q= finds a match that is far down in its first page", async () => {
  const { request, repository, submit } = await makeApp();
  const id = await submit({ name: "the needle" });
  await repository.insert(
    makeJobs(30_000).map((job) => ({ ...job, id: job.id.replace(/^./, "f") })),
  );
  const { body } = await request("GET", "/jobs?q=NEEDLE");
  assert.deepEqual(body.jobs.map((job: { id: string }) => job.id), [id]);
  assert.deepEqual(Object.keys(body), ["jobs"]);
});

Deno.test("GET /jobs?q= whose time is used up says more, and next_cursor goes on", async () => {
  const { request, submit } = await makeApp({ maxSearchMs: 0 });
  const needle = await submit({ name: "the needle" });
  for (let count = 0; count < 3; count++) await submit();
  const found: string[] = [];
  let cursor = "";
  let moreCount = 0;
  do {
    const { body } = await request("GET", `/jobs?q=needle${cursor}`);
    found.push(...body.jobs.map((job: { id: string }) => job.id));
    assert.equal(body.more, body.jobs.length === 0 && body.next_cursor ? true : undefined);
    if (body.more) moreCount += 1;
    cursor = body.next_cursor === undefined ? "" : `&cursor=${body.next_cursor}`;
  } while (cursor !== "");
  assert.deepEqual(found, [needle]);
  assert.equal(moreCount, 3);
});

Deno.test("GET /jobs makes the JSON of a large page as it would make it at once, also for HEAD", async () => {
  const { request, repository } = await makeApp();
  const description = '\u00E9\u{1F600}"\u0001'.repeat(10_000);
  const jobs = makeJobs(30, { description });
  await repository.insert(jobs);
  const { body, text, headers } = await request("GET", "/jobs?limit=25");
  assert.equal(body.jobs.length, 25);
  for (const job of body.jobs) assert.equal(job.description, description);
  assert.equal(JSON.stringify(body), text);
  assert.equal(headers.get("content-type"), "application/json");
  const head = await request("HEAD", "/jobs?limit=25");
  assert.equal(head.headers.get("content-length"), String(new TextEncoder().encode(text).length));
});

/** An app whose lists wait until they are let go. */
async function makeHeldApp() {
  const held: (() => void)[] = [];
  let mostAtOnce = 0;
  const list = async (): Promise<JobPage> => {
    await new Promise<void>((resolve) => {
      held.push(resolve);
      mostAtOnce = Math.max(mostAtOnce, held.length);
    });
    return { jobs: [], nextCursor: undefined };
  };
  const { request } = await makeApp({ service: { list } });
  return { held, request, mostAtOnce: () => mostAtOnce };
}

for (const query of ["q=a", "status=FAILED&task_name=dummytask"]) {
  Deno.test(`GET /jobs?${query}: one search more than 12 at once is 503 overloaded`, async () => {
    const { held, request } = await makeHeldApp();
    const answers = Array.from({ length: 12 }, () => request("GET", `/jobs?${query}`));
    const { status, headers, body } = await request("GET", `/jobs?${query}`);
    assert.equal(status, 503);
    assert.equal(headers.get("retry-after"), "1");
    assert.equal(body.reason, "overloaded");
    assert.match(body.message, /^Cannot search the jobs: 12 searches are under way/);
    const list = request("GET", "/jobs?status=FAILED&q=");
    assert.equal(held.length, 13, "a list is no search and has a place of its own");
    for (const letGo of held.splice(0)) letGo();
    for (const answer of await Promise.all([...answers, list])) assert.equal(answer.status, 200);
    const next = request("GET", `/jobs?${query}`);
    held.pop()!();
    assert.equal((await next).status, 200, "the places are free again");
  });
}

Deno.test("GET /jobs: more lists than 16 at once wait, and all are answered", async () => {
  const { held, request, mostAtOnce } = await makeHeldApp();
  const answers = Array.from({ length: 50 }, () => request("GET", "/jobs"));
  let areAnswered = false;
  const all = Promise.all(answers).finally(() => areAnswered = true);
  while (!areAnswered) {
    held.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
  }
  for (const { status } of await all) assert.equal(status, 200);
  assert.equal(mostAtOnce(), 16);
});
