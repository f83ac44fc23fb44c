// What tasks can do to a server: each way to fail is a job that FAILED with a reason that says why, and
// the server goes on.

import { strict as assert } from "node:assert";
import { type RunningValet, startValet } from "../testing/start_valet.ts";
import { runSteps, type Steps } from "../testing/steps.ts";

/** What `takes_away` tries, and what it is told that it cannot call. */
const takeaways: readonly (readonly [how: string, refused: string])[] = [
  ["Deno.permissions.revoke", "Deno.permissions.revoke"],
  ["Deno.permissions.revokeSync", "Deno.permissions.revokeSync"],
  ["Deno.permissions.request", "Deno.permissions.request"],
  ["Deno.permissions.requestSync", "Deno.permissions.requestSync"],
  ["Deno.chdir", "Deno.chdir"],
  ["process.chdir", "process.chdir"],
  ["Deno.umask", "Deno.umask"],
  ["process.umask", "process.umask"],
];

/** A task, its params, and the reason of its failure. */
const failures: readonly (readonly [task: string, params: unknown, reason: RegExp])[] = [
  ["throws", { message: "it broke" }, /^it broke$/],
  ["throws_empty_error", {}, /^Error$/],
  ["throws_long_message", {}, /^m{100}/],
  ["throws_symbol_message", {}, /./],
  ["throws_broken_message", {}, /./],
  ["throws_proxy", {}, /./],
  ["throws_uninspectable", {}, /./],
  ["throws_non_error", { kind: "string" }, /^the task threw "just a text", which is no Error$/],
  ["throws_non_error", { kind: "undefined" }, /^the task threw undefined, which is no Error$/],
  ["throws_non_error", { kind: "object" }, /^the task threw \{ code: 42 \}, which is no Error$/],
  ["rejects", {}, /^rejected$/],
  ["overflows_stack", {}, /^Maximum call stack size exceeded$/],
  ["rejects_later", {}, /^the task left a rejected promise unhandled: floating$/],
  ["rejects_after_return", {}, /^the task left a rejected promise unhandled: left behind$/],
  ["timer_throws", {}, /^the task threw outside its promise: thrown by a timer$/],
  ["microtask_throws", {}, /^the task threw outside its promise: thrown by a microtask$/],
  ["listener_throws", {}, /^the task threw outside its promise: thrown by a listener$/],
  ["exits", {}, /^Deno\.exit\(\) is not available to a task/],
  ["exits_node", {}, /^process\.\w+\(\) is not available to a task/],
  ["kills", {}, /^process\.\w+\(\) is not available to a task/],
  ["kills_with_deno", {}, /^Deno\.kill\(\) is not available to a task/],
  ["kills_with_process", {}, /^process\.kill\(\) is not available to a task/],
  ["aborts_process", {}, /^process\.abort\(\) is not available to a task/],
  ["starts_thread", {}, /^Worker\(\) is not available to a task/],
  ["reads_stdin", {}, /^a task has no standard input/],
  ["reads_stdin_at_once", {}, /^a task has no standard input/],
  ["reads_stdin_as_stream", {}, /^a task has no standard input/],
  ["reads_stdin_of_process", {}, /^a task has no standard input/],
  ["listens_to_stdin", {}, /^the task threw outside its promise: a task has no standard input/],
  ["reads_descriptor", {}, /bad file descriptor/],
  ["reads_descriptor_as_stream", {}, /bad file descriptor/],
  ...takeaways.map(([how, refused]) =>
    ["takes_away", { how }, new RegExp(`^${refused}\\(\\) is not available to a task$`)] as const
  ),
  ["closes", {}, /^close\(\) is not available to a task/],
  [
    "huge_result",
    { bytes: 2_000_000 },
    /too large: .* worker_pool\.max_result_bytes allows 1048576$/,
  ],
  ["cyclic", {}, /^the result cannot be JSON: metadata\.\w+ is metadata again, a cycle/],
  ["bigint", {}, /^the result cannot be JSON: metadata[.\w]* is a BigInt; convert it with String/],
  ["function_result", {}, /^the result cannot be JSON: metadata is a function; /],
  ["nested_function", {}, /^the result cannot be JSON: metadata\.callback is a function; /],
  ["result_is_symbol", {}, /^the result cannot be JSON: metadata is a symbol; /],
  ["result_has_broken_json", {}, /^the result cannot be JSON: metadata cannot be read: no JSON$/],
  ["result_has_map", {}, /^the result cannot be JSON: metadata\.rows\[1\]\.n is a Map; convert it/],
  ["result_has_response", {}, /^the result cannot be JSON: metadata is a Response; read it/],
  ["throws_with_causes", {}, /^outer: inner: ECONNREFUSED$/],
  ["throws_aggregate", {}, /^one; two$/],
  ["result_has_broken_then", {}, /^no promise$/],
  ["result_has_broken_then_getter", {}, /^no then$/],
  [
    "connects",
    { host: "127.0.0.1", port: 9 },
    /^needs net access to "127\.0\.0\.1:9"; declare permissions\.net$/,
  ],
  [
    "connects",
    { host: "localhost", port: 8099, how: "fetch" },
    /^needs net access to "localhost:8099"; declare/,
  ],
  ["net_task", { host: "127.0.0.1", port: 9 }, /^needs net access to "127\.0\.0\.1:9"; declare/],
  ["reads_env", { name: "HOME" }, /^needs env access to "HOME"; declare permissions\.env$/],
  [
    "reads_file",
    { path: "/etc/hostname" },
    /^needs read access to "\/etc\/hostname"; declare permissions\.read$/,
  ],
];

/** Tasks that do what they should not, and may yet return: they must not harm what runs after them. */
const saboteurs = [
  "posts_messages",
  "clears_onmessage",
  "writes_to_descriptor_1",
  "writes_to_descriptor_2",
  "writes_to_stdout",
  "writes_to_stderr",
  "sets_exit_code",
  "takes_globals",
  "takes_functions",
  "leaves_interval",
];

for (const isolation of ["worker", "process"]) {
  Deno.test(`a server with isolation ${isolation} outlives every fault of a task`, async (test) => {
    await using valet = await startValet({
      tasks: "fixtures",
      config: {
        timeout_unit: "millisecond",
        worker_pool: { isolation, concurrency: 2, kill_grace: "200ms", max_runaways: 100 },
      },
    });
    const { api, process } = valet;

    await runSteps(test, {
      ...failureSteps(valet),

      async "a task that revokes permissions takes nothing from others or the server"() {
        assert.equal((await api.run("revokes")).status, "FAILED");
        const job = await api.run("net_task", {
          host: "localhost",
          port: Number(new URL(api.baseUrl).port),
        });
        assert.equal(job.status, "COMPLETED", job.failure_reason ?? "");
        assert.equal(await api.resultOf(job.id), "connected");
      },

      async "every function of the console logs"() {
        const job = await api.run("uses_console");
        assert.equal(job.status, "COMPLETED", job.failure_reason ?? "");
        for (const message of ["dirxml", "table", "group", "  collapsed", "  default: 1"]) {
          await process.waitForLog(
            message,
            (line) => line["job_id"] === job.id && line.message === message,
          );
        }
      },

      async "a deaf task fails on time, and the next job need not wait for it"() {
        const { runaways } = (await api.status()).workers;
        for (const task of ["hangs", "deaf"]) {
          const id = await api.submit(task, {}, { timeout: 300 });
          await assertRunsOn(valet);
          const job = await api.waitForJob(id);
          assert.equal(job.status, "FAILED");
          assert.equal(job.failure_reason, "timed out after 300 milliseconds");
          await assertRunsOn(valet);
        }
        assert.equal((await api.status()).workers.runaways, runaways, "its thread was alive");
      },

      async "a task that also fails while it is aborted fails for the first reason"() {
        for (const task of ["throws_at_abort", "rejects_at_abort"]) {
          const job = await api.run(task, {}, { timeout: 300 });
          assert.equal(job.failure_reason, "timed out after 300 milliseconds");
          await process.waitForLog(
            "the second reason",
            (line) => line["job_id"] === job.id && /in the abort listener$/.test(line.message),
          );
        }
      },

      ...sabotageSteps(valet),

      async "a rejection after the job's end is logged and changes nothing"() {
        const job = await api.run("rejects_after_end");
        assert.equal(job.status, "COMPLETED");
        const line = await process.waitForLog(
          "the late rejection",
          ({ message }) => message.includes("after the end"),
        );
        assert.deepEqual(
          [line.component, line["job_id"], line["task"]],
          ["task", job.id, "rejects_after_end"],
        );
        assert.equal((await api.job(job.id)).status, "COMPLETED");
      },

      async "errors and large integers among the fields of a log line are written as texts"() {
        const job = await api.run("logs_values");
        const line = await process.waitForLog("the line", ({ message }) => message === "values");
        assert.equal(line["job_id"], job.id);
        assert.match(String(line["error"]), /^Error: broken\n +at /);
        assert.match(JSON.stringify(line["list"]), /^\["TypeError: deep/);
        assert.equal(line["big"], "10");
      },

      async "fields that cannot be JSON are left out, and the line says so"() {
        await api.run("logs_cycle");
        const line = await process.waitForLog("the line", ({ message }) => message === "cycle");
        assert.equal(line["dropped"], "the fields are no JSON");
      },
    });

    assert.equal((await process.stop()).code, 0);
    assert.deepEqual(process.log.filter(({ level }) => level === "unreadable"), []);
    assert.equal(process.stderr, "");
  });
}

function failureSteps(valet: RunningValet): Steps {
  const steps = failures.map(([task, params, reason]): [string, () => Promise<void>] => [
    `${task} ${JSON.stringify(params)} fails and says why`,
    async () => {
      // With a timeout, so that an outcome that is never told fails the check and not its patience.
      const job = await valet.api.run(task, params, { timeout: 2_000 });
      assert.equal(job.status, "FAILED");
      assert.match(job.failure_reason!, reason);
      assert.doesNotMatch(job.failure_reason!, /timed out/);
      const { body } = await valet.api.request("GET", `/jobs/${job.id}/results`);
      assert.deepEqual(body, { job_id: job.id, error: job.failure_reason });
      await assertRunsOn(valet);
    },
  ]);
  return Object.fromEntries(steps);
}

function sabotageSteps(valet: RunningValet): Steps {
  const steps = saboteurs.map((task): [string, () => Promise<void>] => [
    `${task} harms no later job`,
    async () => {
      await valet.api.run(task, {}, { timeout: 5_000 });
      await assertRunsOn(valet);
    },
  ]);
  return Object.fromEntries(steps);
}

/** Several jobs, so that every worker has had one. */
async function assertRunsOn({ api }: RunningValet): Promise<void> {
  const ids = await Promise.all(
    [1, 2, 3, 4].map((n) => api.submit("ok", { n }, { timeout: 5_000 })),
  );
  for (const [index, id] of ids.entries()) {
    const job = await api.waitForJob(id);
    assert.equal(job.status, "COMPLETED", job.failure_reason ?? "");
    assert.deepEqual(await api.resultOf(id), { n: index + 1 });
  }
}
