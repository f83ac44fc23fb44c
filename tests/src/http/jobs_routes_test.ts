import assert from "node:assert/strict";
import { ValetError } from "../../../src/errors.ts";
import type { JobService } from "../../../src/jobs/service.ts";
import { makeApp } from "../../testing/make_app.ts";
import { runJob } from "../../testing/claim_jobs.ts";

const now = "2022-06-06T15:04:05.999Z";
const unknownId = "0189dcd5-5311-7d40-8db0-9496a2eef37b";

for (const mount of ["", "/api"]) {
  Deno.test(`POST ${mount}/jobs answers 202 with the job and its Location`, async () => {
    const { request } = await makeApp();
    const { status, headers, body } = await request("POST", `${mount}/jobs`, {
      name: 'a "job"',
      description: "what this job is all about, but briefly",
      task_name: "dummytask",
      task_params: { url: "www.some-url.com" },
      timeout: 3,
    });
    assert.equal(status, 202);
    assert.equal(headers.get("location"), `${mount}/jobs/${body.id}`);
    assert.equal(headers.get("content-type"), "application/json");
    assert.deepEqual(body, {
      id: body.id,
      name: 'a "job"',
      description: "what this job is all about, but briefly",
      task_name: "dummytask",
      task_params: { url: "www.some-url.com" },
      timeout: 3,
      status: "PENDING",
      created_at: now,
    });
    assert.deepEqual((await request("GET", headers.get("location")!)).body, body);
  });

  Deno.test(`GET ${mount}/jobs/:id shows a finished job`, async () => {
    const { request, submit, repository } = await makeApp();
    const id = await submit({ run_at: "2022-06-06T15:04:05" });
    await runJob(repository, id, {
      status: "FAILED",
      resultJson: undefined,
      failureReason: "it broke",
    });
    const { status, body } = await request("GET", `${mount}/jobs/${id}`);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      id,
      name: "a job",
      task_name: "dummytask",
      status: "FAILED",
      failure_reason: "it broke",
      run_at: "2022-06-06T15:04:05.000Z",
      scheduled_at: now,
      created_at: now,
      started_at: now,
      completed_at: "2022-06-06T15:04:06.006Z",
      duration: 7,
    });
  });

  Deno.test(`GET ${mount}/jobs lists jobs, newest first, page by page`, async () => {
    const { request, submit } = await makeApp();
    assert.deepEqual((await request("GET", `${mount}/jobs`)).body, { jobs: [] });
    const ids = [await submit({ name: "x" }), await submit(), await submit()].reverse();
    const first = await request("GET", `${mount}/jobs?limit=2&status=PENDING&task_name=dummytask`);
    assert.equal(first.status, 200);
    const second = await request("GET", `${mount}/jobs?limit=2&cursor=${first.body.next_cursor}`);
    const jobs: { id: string }[] = [...first.body.jobs, ...second.body.jobs];
    assert.deepEqual(jobs.map(({ id }) => id), ids);
    assert.deepEqual(Object.keys(second.body), ["jobs"]);
    const found = await request("GET", `${mount}/jobs?q=X&limit=&status=&cursor=`);
    assert.deepEqual(found.body.jobs.map(({ id }: { id: string }) => id), [ids[2]]);
  });

  Deno.test(`PATCH ${mount}/jobs/:id answers 204 and changes what it names`, async () => {
    const { request, submit } = await makeApp();
    const id = await submit({ description: "d" });
    const { status, text, headers } = await request("PATCH", `${mount}/jobs/${id}`, { name: "b" });
    assert.equal(status, 204);
    assert.equal(text, "");
    assert.equal(headers.get("content-type"), null);
    const { name, description } = (await request("GET", `/jobs/${id}`)).body;
    assert.deepEqual({ name, description }, { name: "b", description: "d" });
  });

  Deno.test(`DELETE ${mount}/jobs/:id answers 204, and 404 the second time`, async () => {
    const { request, submit } = await makeApp();
    const id = await submit();
    const { status, text } = await request("DELETE", `${mount}/jobs/${id}`);
    assert.equal(status, 204);
    assert.equal(text, "");
    assert.equal((await request("DELETE", `${mount}/jobs/${id}`)).status, 404);
  });

  Deno.test(`GET and DELETE ${mount}/jobs/:id/results answer once the job has finished`, async () => {
    const { request, submit, repository } = await makeApp();
    const id = await submit();
    const path = `${mount}/jobs/${id}/results`;
    assert.equal((await request("GET", path)).status, 404);
    await runJob(repository, id);
    const { status, body } = await request("GET", path);
    assert.equal(status, 200);
    assert.deepEqual(body, { job_id: id, metadata: "some metadata" });
    assert.equal((await request("DELETE", path)).status, 204);
    assert.equal((await request("DELETE", path)).status, 404);
    assert.equal((await request("GET", path)).status, 404);
  });
}

Deno.test("GET /jobs/:id/results shows the error of a failed job", async () => {
  const { request, submit, repository } = await makeApp();
  const id = await submit();
  const failure = { status: "FAILED", resultJson: undefined, failureReason: 'no "way"' } as const;
  await runJob(repository, id, failure);
  const { body } = await request("GET", `/jobs/${id}/results`);
  assert.deepEqual(body, { job_id: id, error: 'no "way"' });
});

Deno.test("an id that is unknown or none is answered with 404 in the words of the API", async () => {
  const { request } = await makeApp();
  for (const id of [unknownId, "7", "constructor", "__proto__", "%00", "%27"]) {
    const shown = decodeURIComponent(id);
    for (
      const [method, path, what] of [
        ["GET", `/jobs/${id}`, "job"],
        ["PATCH", `/jobs/${id}`, "job"],
        ["DELETE", `/jobs/${id}`, "job"],
        ["GET", `/jobs/${id}/results`, "job result"],
        ["DELETE", `/jobs/${id}/results`, "job result"],
      ] as const
    ) {
      const { status, body } = await request(method, path, method === "PATCH" ? {} : undefined);
      assert.equal(status, 404);
      const message = `${what} with ID: ${shown} not found`;
      assert.deepEqual(body, { error: true, code: 404, reason: "not_found", message });
    }
  }
});

Deno.test("a wrong request is answered with 400 and every wrong field", async () => {
  const { request, submit } = await makeApp();
  const id = await submit();
  const wrong: readonly (readonly [string, string, unknown, readonly string[]])[] = [
    ["POST", "/jobs", {}, ["task_name"]],
    ["POST", "/jobs", { name: "a", task_name: "b" }, ["task_name"]],
    ["POST", "/jobs", { name: 1, task_name: 1, timeout: "a", run_at: 1 }, [
      "name",
      "task_name",
      "timeout",
      "run_at",
    ]],
    ["PATCH", `/jobs/${id}`, { name: "", description: 7 }, ["name", "description"]],
    ["POST", "/jobs", { task_name: "dummytask", runAt: "2030-06-06T15:04Z" }, ["runAt"]],
    ["POST", "/jobs", { task_name: "dummytask", status: "PENDING" }, ["status"]],
    ["POST", "/jobs", '{"name":7,"task_params":{"rows":[0,{"n":9007199254740993}]}}', [
      "name",
      "task_name",
      "task_params.rows[1].n",
    ]],
    ["POST", "/jobs", '{"task_name":"dummytask","task_params":{"n":1e400}}', ["task_params.n"]],
    ["PATCH", `/jobs/${id}`, { status: "COMPLETED", run_at: "now" }, ["status", "run_at"]],
    ["GET", "/jobs?status=DONE&limit=0&cursor=x", undefined, ["status", "limit", "cursor"]],
    ["GET", `/jobs?q=${"a".repeat(256)}`, undefined, ["q"]],
    ["GET", "/jobs?state=FAILED&created_after=2022-06-06", undefined, ["state", "created_after"]],
    ["GET", "/jobs?status=FAILED&status=PENDING&q=a&q=", undefined, ["status", "q"]],
  ];
  for (const [method, path, sent, paths] of wrong) {
    const { status, body } = await request(method, path, sent);
    assert.equal(status, 400);
    assert.deepEqual(Object.keys(body), ["error", "code", "reason", "message", "details"]);
    assert.equal(body.error, true);
    assert.equal(body.code, 400);
    assert.deepEqual(body.details.map(({ path }: { path: string }) => path), paths);
  }
});

Deno.test("a parameter is refused where a route has none, but for health checks", async () => {
  const { request, submit } = await makeApp();
  const id = await submit();
  const routes = [
    ["POST", "/jobs"],
    ["GET", `/jobs/${id}`],
    ["PATCH", `/jobs/${id}`],
    ["GET", `/jobs/${id}/results`],
    ["DELETE", `/jobs/${id}/results`],
    ["DELETE", `/jobs/${id}`],
    ["GET", "/tasks"],
    ["GET", "/status"],
  ] as const;
  for (const [method, path] of routes) {
    const { status, body } = await request(method, `${path}?verbose&wait=1`);
    assert.equal(status, 400, path);
    const message = "is not a known parameter; none is known here";
    assert.deepEqual(body.details, [
      { path: "verbose", message },
      { path: "wait", message },
    ]);
  }
  assert.equal((await request("GET", `/jobs/${id}?`)).status, 200);
  assert.equal((await request("GET", "/health/live?verbose")).status, 200);
  assert.equal((await request("GET", "/api/health/ready?t=1")).status, 200);
});

Deno.test("an answer about a job can be posted again", async () => {
  const { request, submit, repository } = await makeApp();
  const id = await submit({ description: "d", timeout: "150ms", run_at: "2022-06-06 15:04+02" });
  await runJob(repository, id);
  const answer = (await request("GET", `/jobs/${id}`)).body;
  assert.equal(answer.status, "COMPLETED");
  const { status, body } = await request("POST", "/jobs", answer);
  assert.equal(status, 202);
  assert.notEqual(body.id, id);
  assert.equal(body.status, "SCHEDULED");
  for (const field of ["name", "description", "task_name", "timeout", "run_at"]) {
    assert.equal(body[field], answer[field], field);
  }
});

Deno.test("a result that is not there yet is told from one that was deleted or never was", async () => {
  const { request, submit, repository } = await makeApp();
  const id = await submit();
  const path = `/jobs/${id}/results`;
  for (const method of ["GET", "DELETE"]) {
    assert.deepEqual((await request(method, path)).body, {
      error: true,
      code: 404,
      reason: "not_finished",
      message: `job result with ID: ${id} not found: the job has not finished`,
      status: "PENDING",
    });
  }
  await runJob(repository, id);
  assert.equal((await request("DELETE", path)).status, 204);
  for (const method of ["GET", "DELETE"]) {
    const { body } = await request(method, path);
    assert.equal(body.reason, "not_found");
    assert.equal(body.message, `job result with ID: ${id} not found`);
  }
});

Deno.test("PATCH removes a description that is null", async () => {
  const { request, submit } = await makeApp();
  const id = await submit({ description: "d" });
  assert.equal((await request("PATCH", `/jobs/${id}`, { description: null })).status, 204);
  assert.ok(!("description" in (await request("GET", `/jobs/${id}`)).body));
});

Deno.test("a body that is no JSON object is answered with 400", async () => {
  const { request } = await makeApp();
  const reasons: Readonly<Record<string, string>> = {
    "": "it is empty",
    " \n": "it is no JSON: Unexpected end of JSON input",
    "{": "it is no JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
    "{'a':1}":
      "it is no JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
    "null": "it is null",
    "[]": "it is an array",
    '"a"': "it is a string",
    "7": "it is a number",
    "true": "it is a boolean",
  };
  for (const [sent, reason] of Object.entries(reasons)) {
    for (const [method, path] of [["POST", "/jobs"], ["PATCH", `/jobs/${unknownId}`]] as const) {
      const { status, body } = await request(method, path, sent);
      assert.equal(status, 400);
      const message = `Cannot read the body: ${reason}; an object is allowed`;
      assert.deepEqual(body, { error: true, code: 400, reason: "invalid", message });
    }
  }
});

Deno.test("a wrong or missing content type is no obstacle", async () => {
  const { request } = await makeApp();
  for (const type of ["", "text/plain", "application/x-www-form-urlencoded", "nonsense"]) {
    const job = { name: "a", task_name: "dummytask" };
    const { status } = await request("POST", "/jobs", job, { "content-type": type });
    assert.equal(status, 202);
  }
});

Deno.test("POST /jobs answers 503 with Retry-After where the queue is full", async () => {
  const { request, submit } = await makeApp({ queueCapacity: 1 });
  await submit();
  const { status, headers, body } = await request("POST", "/jobs", {
    name: "a",
    task_name: "dummytask",
  });
  assert.equal(status, 503);
  assert.equal(headers.get("retry-after"), "1");
  assert.equal(body.message, "Cannot create the job: the queue is full; try again later");
});

Deno.test("every route answers 503 with Retry-After where the store is down", async () => {
  const cause = new Error("mysql://user:secret@host");
  const fail = () => Promise.reject(new ValetError("unavailable", "Cannot reach MySQL", { cause }));
  const service: JobService = {
    create: fail,
    get: fail,
    list: fail,
    update: fail,
    delete: fail,
    getResult: fail,
    deleteResult: fail,
  };
  const { request } = await makeApp({ service });
  for (
    const [method, path] of [
      ["POST", "/jobs"],
      ["GET", "/jobs"],
      ["GET", "/jobs/a"],
      ["PATCH", "/jobs/a"],
      ["DELETE", "/jobs/a"],
      ["GET", "/jobs/a/results"],
      ["DELETE", "/jobs/a/results"],
    ] as const
  ) {
    const { status, headers, text } = await request(
      method,
      path,
      method === "GET" ? undefined : {},
    );
    assert.equal(status, 503);
    assert.equal(headers.get("retry-after"), "1");
    assert.match(text, /Cannot reach MySQL/);
    assert.ok(!text.includes("secret"));
  }
});

Deno.test("timeout is shown in the unit it was asked in", async () => {
  const { request, submit, repository } = await makeApp({ timeoutUnit: "millisecond" });
  const id = await submit({ timeout: 1500 });
  assert.equal((await repository.get(id))?.timeoutMs, 1500);
  assert.equal((await request("GET", `/jobs/${id}`)).body.timeout, 1500);
});
