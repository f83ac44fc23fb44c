// The API as its clients see it: jobs of the shipped tasks on a real server, on every pair of stores.

import { strict as assert } from "node:assert";
import { eventually } from "../testing/eventually.ts";
import { HeldRequests } from "../testing/held_requests.ts";
import { manyJobsRunOnce } from "../testing/many_jobs.ts";
import { startValet } from "../testing/start_valet.ts";
import { runSteps } from "../testing/steps.ts";
import { storePairs, StoreServers, testOn } from "../testing/store_servers.ts";

/** What a loaded test machine may be late; an idle node is late by a few milliseconds. */
const maxLateMs = 1_000;

const servers = new StoreServers();
Deno.test.beforeAll(() => servers.start());
Deno.test.afterAll(() => servers[Symbol.asyncDispose]());

for (const pair of storePairs) {
  // Where jobs run has nothing to do with where they are kept: one pair stands for all.
  const isolation = pair.repository === "sqlite" && pair.queue === "memory" ? "process" : "worker";
  const declare = testOn(pair);
  declare(`a server with ${pair.repository} and ${pair.queue} runs jobs`, async (test) => {
    await using web = new HeldRequests();
    const { config, env } = await servers.create(pair);
    await using valet = await startValet({
      config: {
        ...config,
        timeout_unit: "millisecond",
        worker_pool: { isolation, concurrency: 2, kill_grace: "200ms" },
      },
      env,
    });
    const { api, process } = valet;

    await runSteps(test, {
      async "POST /jobs answers 202 with the job and its Location, and its result can be fetched"() {
        const posted = await api.request("POST", "/jobs", {
          name: "my first job",
          task_name: "dummytask",
        });
        assert.equal(posted.status, 202);
        assert.equal(posted.headers.get("location"), `/jobs/${posted.body.id}`);
        assert.equal(posted.body.status, "PENDING");
        const job = await api.waitForJob(posted.body.id);
        assert.equal(job.status, "COMPLETED");
        assert.ok(job.started_at! >= job.created_at);
        assert.equal(typeof job.duration, "number");
        assert.deepEqual((await api.request("GET", `/api/jobs/${job.id}/results`)).body, {
          job_id: job.id,
          metadata: "some metadata",
        });
      },

      async "a job with run_at starts at its time, never before"() {
        const runAtMs = Date.now() + 300;
        const runAt = new Date(runAtMs).toISOString();
        const id = await api.submit("dummytask", {}, { run_at: runAt });
        const job = await api.waitForJob(id);
        assert.equal(job.status, "COMPLETED");
        assert.equal(job.run_at, runAt);
        assert.ok(Date.parse(job.scheduled_at!) >= runAtMs, "scheduled early");
        const lateMs = Date.parse(job.started_at!) - runAtMs;
        assert.ok(lateMs >= 0, `started ${-lateMs} ms early`);
        assert.ok(lateMs < maxLateMs, `started ${lateMs} ms late`);
      },

      async "run_at without a zone is UTC"() {
        const runAt = new Date(Date.now() + 100).toISOString();
        const job = await api.run("dummytask", {}, { run_at: runAt.replace("Z", "") });
        assert.equal(job.run_at, runAt);
        assert.ok(job.started_at! >= runAt);
      },

      async "an earlier run_at that comes later is served first"() {
        const later = await api.submit("dummytask", {}, {
          run_at: new Date(Date.now() + 3_600_000).toISOString(),
        });
        const job = await api.run("dummytask", {}, {
          run_at: new Date(Date.now() + 50).toISOString(),
        });
        assert.equal(job.status, "COMPLETED");
        assert.equal((await api.job(later)).status, "PENDING");
        assert.equal((await api.request("DELETE", `/jobs/${later}`)).status, 204);
      },

      async "run_at in the past runs at once"() {
        const job = await api.run("dummytask", {}, { run_at: "2022-06-06T15:04:05.999" });
        assert.equal(job.status, "COMPLETED");
        assert.equal(job.run_at, "2022-06-06T15:04:05.999Z");
      },

      async "http_request stores what the other server answered"() {
        const job = await api.run("http_request", {
          method: "POST",
          url: web.url("/echo"),
          body: "hello",
        });
        assert.equal(job.status, "COMPLETED", job.failure_reason ?? "");
        const result = await api.resultOf(job.id) as { status: number; body: string };
        assert.equal(result.status, 200);
        assert.deepEqual(JSON.parse(result.body), { method: "POST", path: "/echo", text: "hello" });
      },

      async "csv_report reports on inline CSV"() {
        const job = await api.run("csv_report", { csv: "name,age\nAda,36\nAlan,41\n" });
        assert.equal(job.status, "COMPLETED", job.failure_reason ?? "");
        const result = await api.resultOf(job.id) as { rows: number; columns: unknown[] };
        assert.equal(result.rows, 2);
        assert.equal(result.columns.length, 2);
      },

      async "params that the task refuses are 400 with their paths"() {
        const body = {
          name: "bad",
          task_name: "http_request",
          task_params: { url: "ftp://example.com", method: "BREW" },
        };
        // A check that a busy machine does not end in its time is left to the worker.
        const answer = await eventually("a refusal", async () => {
          const answer = await api.request("POST", "/jobs", body);
          return answer.status !== 202 && answer;
        });
        assert.equal(answer.status, 400);
        const paths = answer.body.details.map(({ path }: { path: string }) => path).sort();
        assert.deepEqual(paths, ["task_params.method", "task_params.url"]);
      },

      async "params that only the schema of the task refuses fail the job with their paths"() {
        const job = await api.run("http_request", { url: "http://x/", headers: { "a b": "c" } });
        assert.equal(job.status, "FAILED");
        assert.equal(
          job.failure_reason,
          "the params do not fit the task: task_params.headers.a b is no header name",
        );
      },

      async "slips are 400, each with what was meant, and nothing runs"() {
        const slips: readonly (readonly [string, string, unknown, string])[] = [
          ["POST", "/jobs", { runAt: "2030-06-06T15:04Z" }, "did you mean run_at?"],
          ["POST", "/jobs", { params: {} }, "did you mean task_params?"],
          ["POST", "/jobs", { run_at: "2030-06-06T15:04:05+2" }, "an offset such as +02:00"],
          ["POST", "/jobs", { status: "COMPLETED" }, "status is a field of answers"],
          ["POST", "/jobs?wait=5s", {}, "wait is not a known parameter"],
          ["PATCH", "/jobs/1", { run_at: "now" }, "name, description are known"],
          ["GET", "/jobs?state=FAILED", undefined, "did you mean status?"],
        ];
        const before = (await api.request("GET", "/jobs?limit=1")).body.jobs[0].id;
        for (const [method, path, fields, hint] of slips) {
          const body = method === "POST" ? { task_name: "dummytask", ...fields as object } : fields;
          const answer = await api.request(method, path, body);
          assert.equal(answer.status, 400, answer.body.message);
          assert.equal(answer.body.reason, "invalid");
          assert.ok(answer.body.message.includes(hint), answer.body.message);
        }
        assert.equal((await api.request("GET", "/jobs?limit=1")).body.jobs[0].id, before);
      },

      async "a job needs no name, takes a duration and a pasted time, and can be posted again"() {
        const posted = await api.request("POST", "/jobs", {
          task_name: "dummytask",
          description: "d",
          timeout: "1.5s",
          run_at: "2022-06-06 17:04:05.25+02",
        });
        const job = await api.waitForJob(posted.body.id);
        assert.equal(job.name, "dummytask");
        assert.equal(job.timeout, 1500);
        assert.equal(job.run_at, "2022-06-06T15:04:05.250Z");
        assert.equal((await api.request("POST", "/jobs", job)).status, 202);
        const change = { description: null };
        assert.equal((await api.request("PATCH", `/jobs/${job.id}`, change)).status, 204);
        assert.equal((await api.job(job.id)).description, undefined);
      },

      async "a timeout fails the job and ends its request"() {
        const id = await api.submit("http_request", web.holdParams("timeout"), { timeout: 300 });
        await web.waitForDrop("timeout");
        const job = await api.waitForJob(id);
        assert.equal(job.status, "FAILED");
        assert.equal(job.failure_reason, "timed out after 300 milliseconds");
        assert.ok(job.duration! >= 290, `after ${job.duration} ms`);
        assert.deepEqual((await api.request("GET", `/jobs/${id}/results`)).body, {
          job_id: id,
          error: "timed out after 300 milliseconds",
        });
        assert.equal((await api.status()).workers.runaways, 0);
      },

      async "DELETE of a running job aborts it"() {
        const id = await api.submit("http_request", web.holdParams("deleted"));
        await web.waitFor("deleted");
        assert.equal((await api.job(id)).status, "IN_PROGRESS");
        const early = await api.request("GET", `/jobs/${id}/results`);
        assert.equal(early.status, 404);
        assert.deepEqual([early.body.reason, early.body.status], ["not_finished", "IN_PROGRESS"]);
        assert.equal((await api.request("DELETE", `/jobs/${id}`)).status, 204);
        await web.waitForDrop("deleted");
        assert.equal((await api.request("GET", `/jobs/${id}`)).status, 404);
        assert.equal((await api.run("dummytask")).status, "COMPLETED");
        assert.equal((await api.request("GET", `/jobs/${id}`)).status, 404, "it came back");
      },

      async "DELETE of a waiting job: it never runs"() {
        for (const name of ["one", "other"]) await api.submit("http_request", web.holdParams(name));
        for (const name of ["one", "other"]) await web.waitFor(name);
        const id = await api.submit("http_request", { url: web.url("/never") });
        const next = await api.submit("dummytask");
        assert.equal((await api.request("DELETE", `/jobs/${id}`)).status, 204);
        for (const name of ["one", "other"]) web.release(name);
        await api.waitForJob(next);
        assert.equal(web.paths.includes("/never"), false, "it ran");
        assert.equal((await api.request("GET", `/jobs/${id}/results`)).status, 404);
      },

      async "PATCH, DELETE of a result, and the list tell of what is stored"() {
        const job = await api.run("dummytask", { a: "\u00e9\u{1f600}", n: 1.5 });
        const change = { name: "caf\u00e9", description: "d".repeat(300) };
        assert.equal((await api.request("PATCH", `/jobs/${job.id}`, change)).status, 204);
        assert.equal((await api.request("DELETE", `/jobs/${job.id}/results`)).status, 204);
        const gone = await api.request("GET", `/jobs/${job.id}/results`);
        assert.deepEqual([gone.status, gone.body.reason], [404, "not_found"]);
        const later = await api.run("csv_report", { csv: "a\n1\n" });
        const first = (await api.request("GET", "/jobs?status=COMPLETED&limit=1")).body;
        assert.deepEqual(first.jobs.map(({ id }: { id: string }) => id), [later.id]);
        const path = `/jobs?status=COMPLETED&limit=1&cursor=${first.next_cursor}`;
        const second = (await api.request("GET", path)).body;
        assert.deepEqual(second.jobs, [{ ...job, ...change }]);
        const found = (await api.request("GET", "/jobs?q=CAF%C3%89")).body;
        assert.deepEqual(found, { jobs: [{ ...job, ...change }] });
      },

      "many jobs over HTTP all run exactly once, whatever the queue refuses": () =>
        manyJobsRunOnce(valet, pair === storePairs[0] ? 5_000 : 500),

      async "X-Request-Id stands in the answer and in the access log"() {
        const answer = await api.request("GET", "/health/ready", undefined, {
          "x-request-id": "e2e-4711",
        });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get("x-request-id"), "e2e-4711");
        const line = await process.waitForLog(
          "the request",
          (line) => line["request_id"] === "e2e-4711",
        );
        assert.equal(line["path"], "/health/ready");
        assert.equal(line["status"], 200);
      },

      async "GET /tasks and GET /status tell what runs"() {
        const { tasks } = (await api.request("GET", "/tasks")).body;
        const names = tasks.map(({ name }: { name: string }) => name);
        for (const name of ["csv_report", "dummytask", "http_request"]) {
          assert.ok(names.includes(name), name);
        }
        const { body } = await api.request("GET", "/api/status");
        assert.equal(body.workers.isolation, isolation);
        assert.equal(body.workers.busy, 0);
        assert.deepEqual([body.repository.driver, body.repository.healthy], [
          pair.repository,
          true,
        ]);
        assert.deepEqual([body.queue.driver, body.queue.healthy], [pair.queue, true]);
      },
    });

    assert.deepEqual((await process.stop()).code, 0);
    assert.deepEqual(process.log.filter(({ level }) => level === "unreadable"), []);
    assert.deepEqual(process.log.filter(({ level }) => level === "error" || level === "fatal"), []);
    assert.equal(process.stderr, "");
  });
}
