// The composition root: names the drivers and the worker of this executable, and runs it. The tasks are known to the
// worker alone.
// The only file that imports both src/ and drivers/.

import type { RunnerCommand } from "./src/executor/host/runner_process.ts";

const workerUrl = new URL("./tasks/worker.ts", import.meta.url);

// A runner process is this executable again. From source it gets the permissions that tasks may declare.
const runnerCommand: RunnerCommand = {
  // Linux can name the executable whatever its path is, and that is all a compiled one may start.
  path: Deno.build.standalone && Deno.build.os === "linux" ? "/proc/self/exe" : Deno.execPath(),
  args: Deno.build.standalone ? ["runner"] : [
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

if (import.meta.main) {
  // Imported when needed: a runner process must start fast and stay small.
  if (Deno.args[0] === "runner") {
    const { serveRunner } = await import("./src/executor/host/runner.ts");
    await serveRunner(workerUrl);
  } else {
    const [{ runValet }, drivers] = await Promise.all([
      import("./src/node/commands.ts"),
      import("./drivers/mod.ts"),
    ]);
    const parts = { drivers, workerUrl, runnerCommand };
    Deno.exit(await runValet(Deno.args, parts));
  }
}
