// What packages expect of a process works in a task: changes of the environment, assignments to `process` and to
// globals, printing, Node's timers. Nothing of it reaches the server or another worker.

import { strict as assert } from "node:assert";
import { type RunningValet, startValet } from "../testing/start_valet.ts";
import type { LogLine } from "../testing/valet_process.ts";
import { runSteps } from "../testing/steps.ts";

/** What `assigns` assigns to. */
const assigned = [
  "process.chdir",
  "process.emitWarning",
  "process.exitCode",
  "process.umask",
  "process.arch",
  "process.channel",
  "process.connected",
  "process.stdin",
  "process.reallyExit",
  "process.stdout.write",
  "console.log",
  "globalThis.Promise",
  "globalThis.setTimeout",
  "globalThis.fetch",
  "Date.now",
  "Math.random",
  "JSON.stringify",
];

for (const isolation of ["worker", "process"]) {
  Deno.test(`a task can do what packages do, isolation ${isolation}`, async (test) => {
    await using valet = await startValet({
      tasks: "fixtures",
      env: { VALET_TEST_KEPT: "real" },
      config: { timeout_unit: "millisecond", worker_pool: { isolation, concurrency: 1 } },
    });
    const { api, process } = valet;

    await runSteps(test, {
      async "changes of the environment are seen in their worker alone"() {
        assert.deepEqual(await resultOf(valet, "changes_environment"), {
          before: ["VALET_TEST_KEPT"],
          after: ["VALET_TEST_SET", "VALET_TEST_SET_TOO"],
          set: ["by a task", "2"],
          deleted: "is gone",
          isHomeThere: false,
          refused: 'Requires env access to "HOME", run again with the --allow-env flag',
          badName: 'Cannot change the environment: a variable cannot be called "A=B"',
          badValue: 'Cannot set "A" in the environment: its value has a NUL character',
        });
        assert.deepEqual(await resultOf(valet, "reads_environment"), ["real", false]);
      },

      async "process.loadEnvFile adds what is not there yet"() {
        const path = await Deno.makeTempFile();
        try {
          await Deno.writeTextFile(path, "VALET_TEST_A=1\nVALET_TEST_B='two'\n");
          const values = await resultOf(valet, "loads_env_file", { path });
          assert.deepEqual(values, ["stays", "two"]);
        } finally {
          await Deno.remove(path);
        }
      },

      async "the umask can be read"() {
        assert.deepEqual(await resultOf(valet, "reads_umask"), [0o22, 0o22]);
      },

      async "what a task prints is lines of its log"() {
        const job = await api.run("prints");
        assert.deepEqual(await api.resultOf(job.id), [10, 14]);
        const lines = linesOf(valet, job.id);
        assert.deepEqual(lines.map(({ level, message }) => [level, message]), [
          ["info", "one line"],
          ["info", "and another"],
          ["warn", "to stderr"],
          ["info", "by Deno"],
          ["warn", "by Deno too"],
          ["info", "by descriptor"],
          ["warn", "in pieces"],
          ["info", "with callback"],
          ["warn", "one more"],
          ["info", "caf\u00e9"],
          ["info", "format has 1"],
          ["warn", "DeprecationWarning [DEP0000]: is going away"],
          ["info", "after all"],
        ]);
      },

      async "a task can pipe to the standard output and cork it, and so can the next one"() {
        for (let i = 0; i < 2; i++) {
          const job = await api.run("pipes_to_stdout", {}, { timeout: 5_000 });
          assert.equal(job.status, "COMPLETED", job.failure_reason ?? "");
          assert.deepEqual(linesOf(valet, job.id).map(({ message }) => message), [
            "piped",
            "corked",
          ]);
        }
      },

      async "what a task has printed is logged also where it does not end"() {
        const job = await api.run("prints_and_hangs", {}, { timeout: 300 });
        assert.deepEqual(linesOf(valet, job.id).map(({ message }) => message), ["not the end"]);
      },

      async "lines that come too fast are dropped, counted and told with the job"() {
        const job = await api.run("prints_much", { lines: 3_000 });
        const lines = linesOf(valet, job.id);
        const told = lines.at(-1)?.message ?? "";
        assert.match(told, /^\d+ log lines were dropped: they came too fast$/);
        assert.equal(parseInt(told) + lines.length - 1, 3_000);
      },

      async "timers are Node's, and what their callbacks throw fails the run that set them"() {
        assert.deepEqual(await resultOf(valet, "uses_timers"), {
          value: "promisified",
          held: [true, false, true],
          name: "setTimeout",
          later: "later",
        });
        for (
          const [task, by] of [
            ["throws_in_node_timer", "a timer of Node"],
            ["throws_in_immediate", "an immediate"],
          ]
        ) {
          const { failure_reason: reason } = await api.run(task!, {}, { timeout: 5_000 });
          assert.equal(reason, `the task threw outside its promise: thrown by ${by}`);
        }
      },

      async "what cannot work is told in one line, with the way round it"() {
        const { failure_reason: started } = await api.run("starts_process");
        assert.match(
          started!,
          /^needs run access to "[^"]*ffmpeg", which no task can have: .*HTTP$/,
        );
        const { failure_reason: loaded } = await api.run("loads_native_code");
        assert.match(
          loaded!,
          /^needs ffi access to "[^"]*sharp.node", which no task can have: .*HTTP; then: Could not/,
        );
      },

      async "what packages assign to can be assigned to, and a job does not spoil the globals of the next"() {
        for (const to of assigned) {
          assert.equal(await resultOf(valet, "assigns", { to }), "assigned", to);
          assert.equal((await api.run("uses_timers")).status, "COMPLETED", to);
        }
      },

      async "a task that listens to signals keeps none from the server"() {
        assert.equal((await api.run("listens_to_signals")).status, "COMPLETED");
        process.signal("SIGHUP");
        await process.waitForEnd();
      },
    });
    assert.equal(process.stderr, "");
  });
}

Deno.test("runs that share a worker print and throw each for itself", async () => {
  await using valet = await startValet({
    tasks: "fixtures",
    config: { worker_pool: { concurrency: 4, jobs_per_worker: 4 }, timeout_unit: "millisecond" },
  });
  const { api } = valet;
  await api.run("ok");
  const names = ["prints", "throws_in_node_timer", "throws_in_immediate", "prints"];
  const ids = await Promise.all(names.map((name) => api.submit(name, {}, { timeout: 5_000 })));
  const jobs = await Promise.all(ids.map((id) => api.waitForJob(id)));
  assert.equal((await api.status()).workers.lost, 0);
  assert.deepEqual(jobs.map(({ failure_reason: reason }) => reason?.split(": ")[1]), [
    undefined,
    "thrown by a timer of Node",
    "thrown by an immediate",
    undefined,
  ]);
  assert.equal(linesOf(valet, ids[0]!).length, 13);
  assert.equal(linesOf(valet, ids[3]!).length, 13);
});

async function resultOf({ api }: RunningValet, task: string, params = {}): Promise<unknown> {
  const job = await api.run(task, params);
  assert.equal(job.status, "COMPLETED", job.failure_reason ?? "");
  return await api.resultOf(job.id);
}

function linesOf({ process }: RunningValet, id: string): LogLine[] {
  return process.log.filter((line) => line.component === "task" && line["job_id"] === id);
}
