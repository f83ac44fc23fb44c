// Valet with the tasks of the package corpus in place of the shipped ones. Started by run.ts.

import type { RunnerCommand } from "../../src/executor/host/runner_process.ts";

const workerUrl = new URL("./worker.ts", import.meta.url);

const runnerCommand: RunnerCommand = {
  path: Deno.execPath(),
  args: [
    "run",
    "--quiet",
    "--cached-only",
    "--no-prompt",
    "--allow-env",
    "--allow-net",
    "--allow-read",
    "--allow-sys",
    "--allow-write",
    import.meta.filename as string,
    "runner",
  ],
};

if (Deno.args[0] === "runner") {
  const { serveRunner } = await import("../../src/executor/host/runner.ts");
  await serveRunner(workerUrl);
} else {
  const { runValet } = await import("../../src/node/commands.ts");
  const drivers = await import("../../drivers/mod.ts");
  Deno.exit(await runValet(Deno.args, { drivers, workerUrl, runnerCommand }));
}
