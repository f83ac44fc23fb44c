// The API as its clients see it: jobs of the shipped tasks on a real server, in both isolation modes.

import { strict as assert } from "node:assert";
import { HeldRequests } from "../testing/held_requests.ts";
import { startValet } from "../testing/start_valet.ts";
import { runSteps } from "../testing/steps.ts";

/** What a loaded test machine may be late; an idle node is late by a few milliseconds. */
const maxLateMs = 1_000;

for (const isolation of ["worker", "process"]) {
  Deno.test(`a server with isolation ${isolation} runs jobs`, async (test) => {
    await using web = new HeldRequests();
    await using valet = await startValet({
      config: { worker_pool: { isolation, concurrency: 2, kill_grace: "200ms" } },
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
        assert.equal((await api.job(id)).status, "PENDING");
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
        assert.equal(job.status, "COMPLETED", job.failure_reason);
        const result = await api.resultOf(job.id) as { status: number; body: string };
        assert.equal(result.status, 200);
        assert.deepEqual(JSON.parse(result.body), { method: "POST", path: "/echo", text: "hello" });
      },

      async "csv_report reports on inline CSV"() {
        const job = await api.run("csv_report", { csv: "name,age\nAda,36\nAlan,41\n" });
        assert.equal(job.status, "COMPLETED", job.failure_reason);
        const result = await api.resultOf(job.id) as { rows: number; columns: unknown[] };
        assert.equal(result.rows, 2);
        assert.equal(result.columns.length, 2);
      },

      async "params that the task refuses are 400 with their paths"() {
        const answer = await api.request("POST", "/jobs", {
          name: "bad",
          task_name: "http_request",
          task_params: { url: "ftp://example.com", method: "BREW" },
        });
        assert.equal(answer.status, 400);
        const paths = answer.body.details.map(({ path }: { path: string }) => path).sort();
        assert.deepEqual(paths, ["task_params.method", "task_params.url"]);
      },

      async "a timeout fails the job and ends its request"() {
        const id = await api.submit("http_request", web.holdParams("timeout"), { timeout: 1 });
        await web.waitForDrop("timeout");
        const job = await api.waitForJob(id);
        assert.equal(job.status, "FAILED");
        assert.equal(job.failure_reason, "timed out after 1 second");
        assert.ok(job.duration! >= 990, `after ${job.duration} ms`);
        assert.deepEqual((await api.request("GET", `/jobs/${id}/results`)).body, {
          job_id: id,
          error: "timed out after 1 second",
        });
        assert.equal((await api.status()).workers.runaways, 0);
      },

      async "DELETE of a running job aborts it"() {
        const id = await api.submit("http_request", web.holdParams("deleted"));
        await web.waitFor("deleted");
        assert.equal((await api.job(id)).status, "IN_PROGRESS");
        assert.equal((await api.request("GET", `/jobs/${id}/results`)).status, 404);
        assert.equal((await api.request("DELETE", `/jobs/${id}`)).status, 204);
        await web.waitForDrop("deleted");
        assert.equal((await api.request("GET", `/jobs/${id}`)).status, 404);
        assert.equal((await api.run("dummytask")).status, "COMPLETED");
        assert.equal((await api.request("GET", `/jobs/${id}`)).status, 404, "it came back");
      },

      async "X-Request-Id stands in the answer and in the access log"() {
        const answer = await api.request("GET", "/health/ready", undefined, {
          "x-request-id": `e2e-${isolation}`,
        });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get("x-request-id"), `e2e-${isolation}`);
        const line = await process.waitForLog(
          "the request",
          (line) => line["request_id"] === `e2e-${isolation}`,
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
        assert.equal(body.repository.healthy, true);
      },
    });

    assert.deepEqual((await process.stop()).code, 0);
    assert.deepEqual(process.log.filter(({ level }) => level === "unreadable"), []);
    assert.deepEqual(process.log.filter(({ level }) => level === "error" || level === "fatal"), []);
    assert.equal(process.stderr, "");
  });
}
