// `valet run`: a task once, without a server.

import { strict as assert } from "node:assert";
import { configText, runToEnd, runValetCommand } from "../testing/start_valet.ts";
import { eventually } from "../testing/eventually.ts";
import { withFolder } from "../testing/with_folder.ts";

const run = (...args: string[]) => runToEnd(["run", ...args]);

/** Runs a fixture task with a configuration; its log is JSON. */
async function runFixture(
  args: readonly string[],
  config: Record<string, unknown> = {},
): ReturnType<typeof runToEnd> {
  return await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/config.yaml`, configText(config));
    return await runToEnd(["run", "--config", `${folder}/config.yaml`, ...args], {
      tasks: "fixtures",
    });
  });
}

function lastRecord(err: string): Record<string, unknown> {
  return JSON.parse(err.trimEnd().split("\n").at(-1)!);
}

Deno.test("valet run prints the result of a task as JSON, and nothing else", async () => {
  const { code, out } = await run("dummytask");
  assert.deepEqual([code, out], [0, '"some metadata"']);
  const report = await run("csv_report", "csv=id;price\n1;2.5\n", "delimiter=;");
  assert.deepEqual([report.code, JSON.parse(report.out).rows], [0, 1]);
});

for (const isolation of ["worker", "process"]) {
  Deno.test(`valet run gives params and limits to a task, isolation ${isolation}`, async () => {
    const args = ["context_echo", "n=1.5", 'list=[1,"a"]', "text=a=b c", 'quoted="7"', "empty="];
    const { code, out } = await runFixture(args, {
      worker_pool: { isolation, max_result_bytes: 2000 },
    });
    assert.equal(code, 0);
    const { job, params, maxResultBytes } = JSON.parse(out);
    const expected = { n: 1.5, list: [1, "a"], text: "a=b c", quoted: "7", empty: "" };
    assert.deepEqual([params, maxResultBytes], [expected, 2000]);
    assert.deepEqual([job.name, job.task_name, job.attempt], ["context_echo", "context_echo", 1]);
  });
}

Deno.test("valet run gives a task its settings and permissions", async () => {
  await using web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    return new Response("hello");
  });
  await withFolder(async (folder) => {
    // Allows private addresses.
    await Deno.writeTextFile(`${folder}/config.yaml`, configText());
    const url = `url=http://127.0.0.1:${web.addr.port}/`;
    const { code, out } = await run("-c", `${folder}/config.yaml`, "http_request", url);
    assert.deepEqual([code, JSON.parse(out).body], [0, "hello"]);
  });
});

Deno.test("valet run writes what the task logs to stderr, and prints nothing where nothing is returned", async () => {
  const { code, out, err } = await runFixture(["logs", "message=hello"]);
  assert.deepEqual([code, out], [0, ""]);
  const lines = err.trimEnd().split("\n").map((line) => JSON.parse(line));
  const levels = lines.filter(({ message }) => message === "hello").map(({ level }) => level);
  assert.deepEqual(levels, ["debug", "info", "warn", "error"]);
});

Deno.test("valet run ends with 1 and the reason where the task fails, or takes too long", async () => {
  for (
    const [task, reason] of [
      ["throws", /./],
      ["short_timeout", /^timed out after 200 milliseconds$/],
      ["net_task", /./],
    ] as const
  ) {
    const { code, out, err } = await runFixture([task]);
    assert.deepEqual([code, out], [1, ""]);
    const record = lastRecord(err);
    assert.deepEqual([record["message"], record["task"]], ["the task failed", task]);
    assert.match(String(record["reason"]), reason);
  }
});

Deno.test("valet run ends with 1 where only the task's own schema refuses the params", async () => {
  const { code, err } = await run("csv_report", "csv=a", "url=http://example.com");
  assert.equal(code, 1);
  assert.match(err, /the params do not fit the task: task_params needs exactly one of csv and url/);
});

Deno.test("valet run refuses an unknown task, wrong params and wrong arguments with 2", async () => {
  for (
    const [args, ...lines] of [
      [["csv_reprt"], 'Cannot run "csv_reprt": it is no task; did you mean csv_report?'],
      [["dummytask", "a"], 'Cannot run dummytask: "a" is no key=value; did you mean a=...?'],
      [["dummytask", "=1"], 'Cannot run dummytask: "=1" is no key=value'],
      [
        ["dummytask", "a=1", "a=2"],
        'Cannot run dummytask: "a" is given twice; a list of both is a=\'["x","y"]\'',
      ],
      [
        ["dummytask", "n=9007199254740993"],
        "Cannot run dummytask: task_params.n is 9007199254740993, which would become " +
        "9007199254740992; send it as a text",
      ],
      [
        ["http_request", "method=get"],
        "Cannot run http_request: task_params.url is missing; a URL such as https://example.com/path " +
        "is allowed",
        'Cannot run http_request: task_params.method is "get"; "GET", "HEAD", "POST", "PUT", "PATCH", ' +
        '"DELETE" or "OPTIONS" is allowed',
      ],
    ] as [string[], ...string[]][]
  ) {
    assert.deepEqual(await run(...args), { code: 2, out: "", err: `${lines.join("\n")}\n` });
  }
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`valet run ends a task at ${signal}`, async () => {
    const process = await runValetCommand(["run", "waits_for_signal"], { tasks: "fixtures" });
    await eventually("the run", () => process.stderr.includes("waiting"));
    process.signal(signal);
    assert.equal((await process.waitForEnd()).code, 1);
    assert.match(process.stderr, /the run was stopped by a signal/);
  });
}
