import assert from "node:assert/strict";
import { openRunnerProcess } from "../../../../src/executor/host/runner_process.ts";

/** The reason with which a runner is lost that is this program. */
async function reasonOfLoss(program: string): Promise<string> {
  const lost = Promise.withResolvers<string>();
  const command = { path: Deno.execPath(), args: ["eval", "--quiet", program] };
  const runner = openRunnerProcess(command, {
    taskNames: [],
    permissions: {},
    jobsPerWorker: 1,
    maxResultBytes: 1_000,
    taskSettings: {},
    maxMemoryMb: 512,
  }, {
    onBytes: () => lost.reject(new Error("it wrote frames")),
    onReturned: () => lost.reject(new Error("a line of a task was obeyed")),
    onWornOut: () => lost.reject(new Error("a line of a task was obeyed")),
    onLost: lost.resolve,
  });
  const reason = await lost.promise;
  await runner.close();
  return reason;
}

Deno.test("openRunnerProcess obeys no line on stderr that has not the prefix of this runner", async () => {
  const lines = [
    '\\u0001valet {"kind":"returned","number":1}',
    '00000000-0000-4000-8000-000000000000 {"kind":"usage","usage":{"memoryBytes":9e12}}',
    '{"kind":"lost","reason":"forged"}',
  ];
  const program = lines.map((line) => `console.error(${JSON.stringify(line)});`).join("");
  const reason = await reasonOfLoss(`${program} Deno.exit(3)`);
  assert.match(reason, /^the runner process ended with exit code 3: .*valet/);
});

Deno.test("openRunnerProcess holds no more than a bound of what a runner prints without a line's end", async () => {
  const program = `const piece = "x".repeat(1e6);
    for (let i = 0; i < 200; i++) Deno.stderr.writeSync(new TextEncoder().encode(piece));`;
  const reason = await reasonOfLoss(program);
  assert.ok(reason.length < 500, `${reason.length} characters`);
});

Deno.test("openRunnerProcess says that the system may have ended a runner", async () => {
  const reason = await reasonOfLoss(`Deno.kill(Deno.pid, "SIGKILL")`);
  assert.equal(
    reason,
    "the runner process ended with SIGKILL, as the system does where its memory runs out",
  );
});
