// The executable with the tasks of the bench, and, if VALET_BENCH_STORED_JOBS says so, with jobs in its
// repository from the start. Everything else is the shipped one. Started by server_process.ts.

import type { RunnerCommand } from "../src/executor/host/runner_process.ts";

const workerUrl = new URL("./bench_worker.ts", import.meta.url);
const runnerCommand: RunnerCommand = {
  path: Deno.execPath(),
  args: ["run", "--quiet", "--no-prompt", "--allow-all", import.meta.filename as string, "runner"],
};

if (Deno.args[0] === "runner") {
  const { serveRunner } = await import("../src/executor/host/runner.ts");
  await serveRunner(workerUrl);
} else {
  const [{ runValet }, drivers, { storeFinishedJobs }] = await Promise.all([
    import("../src/node/commands.ts"),
    import("../drivers/mod.ts"),
    import("./stored_jobs.ts"),
  ]);
  const openFilled: typeof drivers.openRepository = async (name, options) => {
    const repository = await drivers.openRepository(name, options);
    await storeFinishedJobs(repository, Number(Deno.env.get("VALET_BENCH_STORED_JOBS") ?? 0));
    return repository;
  };
  const parts = {
    drivers: { ...drivers, openRepository: openFilled },
    workerUrl,
    runnerCommand,
  };
  Deno.exit(await runValet(Deno.args, parts));
}
