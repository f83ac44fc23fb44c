import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  configureLogging,
  createRecordLog,
  flushLogs,
  getLogger,
  type LoggingOptions,
} from "../../../src/log/log.ts";

/** Configures logging into a list and returns what was written of it so far. */
function captureLogs(
  options: Pick<LoggingOptions, "format" | "level" | "nodeName">,
): () => Promise<string[]> {
  let written = "";
  configureLogging({
    ...options,
    write: (lines) => void (written += new TextDecoder().decode(lines)),
  });
  return async () => {
    await flushLogs();
    return written.split("\n").slice(0, -1);
  };
}

Deno.test("getLogger writes a line with the component and the fields", async () => {
  const readLines = captureLogs({ format: "json", level: "info" });
  getLogger("scheduler").warn("job failed", { job_id: "1" });
  const [line] = await readLines();
  const { time, ...rest } = JSON.parse(line!);
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
  assert.deepEqual(rest, {
    level: "warn",
    component: "scheduler",
    message: "job failed",
    job_id: "1",
  });
});

Deno.test("getLogger writes a message as it is: braces from a client are no placeholders", async () => {
  const readLines = captureLogs({ format: "json", level: "info" });
  getLogger("task").info('got {"a":1} and {job_id} and {*}', { job_id: "1" });
  const [line] = await readLines();
  assert.equal(JSON.parse(line!).message, 'got {"a":1} and {job_id} and {*}');
});

Deno.test("configureLogging leaves out what is below the level", async () => {
  const cases = [
    ["debug", ["debug", "info", "warn", "error", "fatal"]],
    ["info", ["info", "warn", "error", "fatal"]],
    ["warn", ["warn", "error", "fatal"]],
    ["error", ["error", "fatal"]],
  ] as const;
  const logger = getLogger("http");
  for (const [level, expected] of cases) {
    const readLines = captureLogs({ format: "json", level });
    for (const name of ["debug", "info", "warn", "error", "fatal"] as const) logger[name]("x");
    const written = (await readLines()).map((line) => JSON.parse(line).level);
    assert.deepEqual(written, expected);
    assert.equal(logger.isEnabledFor("info"), level === "debug" || level === "info");
  }
});

Deno.test("configureLogging may be called again, and then the new format holds", async () => {
  const readFirst = captureLogs({ format: "text", level: "info" });
  getLogger("http").info("one");
  const readSecond = captureLogs({ format: "json", level: "info" });
  getLogger("http").info("two");
  assert.match((await readSecond())[0]!, /^\{.*"two"\}$/);
  assert.match((await readFirst())[0]!, / INFO {2}http: one$/);
});

Deno.test("createRecordLog adds lines between the others, as the last configuration says", async () => {
  const logJob = createRecordLog(
    { level: "info", component: "dispatcher", message: "job completed" },
    ["job_id"],
  );
  const nodes = ["one", "two"];
  for (const nodeName of nodes) {
    const readLines = captureLogs({ format: "text", level: "info", nodeName });
    getLogger("http").info("first");
    logJob(0, ["1"]);
    getLogger("http").info("last");
    const lines = await readLines();
    assert.deepEqual(lines.map((line) => line.slice(25)), [
      `INFO  http: first node=${nodeName}`,
      `INFO  dispatcher: job completed node=${nodeName} job_id=1`,
      `INFO  http: last node=${nodeName}`,
    ]);
  }
  const readLines = captureLogs({ format: "text", level: "warn" });
  logJob(0, ["1"]);
  assert.deepEqual(await readLines(), []);
});

/** Runs a script that logs to its own standard output. */
function spawnLogger(script: string): Deno.ChildProcess {
  const logUrl = new URL("../../../src/log/log.ts", import.meta.url).href;
  const configPath = fileURLToPath(new URL("../../../deno.json", import.meta.url));
  return new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "-q",
      `--config=${configPath}`,
      `import { configureLogging, flushLogs, getLogger, type LoggingOptions } from "${logUrl}";\n${script}`,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("configureLogging writes to standard output by default, to the last line at the end", async () => {
  const child = spawnLogger(`
    configureLogging({ format: "text", level: "info" });
    for (let i = 0; i < 5000; i++) getLogger("main").info("line", { i });
  `);
  await child.stdin.close();
  const { stdout } = await child.output();
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  assert.equal(lines.length, 5000);
  assert.match(lines.at(-1)!, / INFO {2}main: line i=4999$/);
});

Deno.test("flushLogs writes what was logged before a hard exit", async () => {
  const child = spawnLogger(`
    configureLogging({ format: "json", level: "info" });
    addEventListener("unhandledrejection", async (event) => {
      event.preventDefault();
      getLogger("main").fatal("unhandled rejection", { error: event.reason });
      await flushLogs();
      Deno.exit(7);
    });
    Promise.reject(new Error("last words"));
  `);
  await child.stdin.close();
  const { code, stdout } = await child.output();
  assert.equal(code, 7);
  assert.equal(JSON.parse(new TextDecoder().decode(stdout)).error, "last words");
});

Deno.test("configureLogging survives a standard output that was closed", async () => {
  const child = spawnLogger(`
    await new Response(Deno.stdin.readable).text();
    configureLogging({ format: "text", level: "info" });
    for (let i = 0; i < 3; i++) {
      getLogger("main").info("line", { i });
      await flushLogs();
    }
    console.error("alive");
  `);
  await child.stdout.cancel();
  await child.stdin.close();
  const { code } = await child.status;
  const stderr = await new Response(child.stderr).text();
  assert.equal(stderr, "alive\n");
  assert.equal(code, 0);
});
