// examples/own_repository, elsewhere than in this checkout and with the commands of its README: its test, its server
// from source, its executable.

import { strict as assert } from "node:assert";
import { relative } from "node:path";
import type { RunningValet } from "../testing/start_valet.ts";
import { checkoutPath, copySources, runDeno, startServer } from "../testing/user_repository.ts";
import { withFolder } from "../testing/with_folder.ts";

/** Calls `use` with the path of a copy of the example that takes Valet from this checkout. */
const withExample = (use: (cwd: string) => Promise<void>) =>
  withFolder(async (folder) => {
    await copySources(`${checkoutPath}/examples/own_repository`, folder);
    const config = JSON.parse(await Deno.readTextFile(`${folder}/deno.json`));
    // The Deno that compiles in .ci/run understands no absolute path here.
    config.links = [relative(await Deno.realPath(folder), checkoutPath)];
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
    await use(folder);
  });

async function runsJobs({ api }: RunningValet): Promise<void> {
  const job = await api.run("word_count", { text: "to be or not" });
  assert.deepEqual(await api.resultOf(job.id), { words: 4 });
}

Deno.test("a repository of one's own: its test passes, its types check, its server runs jobs", async () => {
  await withExample(async (cwd) => {
    const tested = await runDeno(["task", "test"], { cwd });
    assert.equal(tested.code, 0, tested.text);
    assert.match(tested.text, /2 passed/);
    const checked = await runDeno(["check", "--quiet", "."], { cwd });
    assert.equal(checked.code, 0, checked.text);
    for (const isolation of ["worker", "process"]) {
      const env = { VALET_WORKER_POOL_ISOLATION: isolation };
      await using valet = await startServer(Deno.execPath(), ["task", "start"], { cwd, env });
      await runsJobs(valet);
      assert.equal((await valet.process.stop()).code, 0);
    }
  });
});

Deno.test("a repository of one's own: its executable runs jobs in an empty folder", async () => {
  await withExample(async (cwd) => {
    const compiled = await runDeno(["task", "compile"], { cwd });
    // Only a machine that reaches the server of Deno, or has DENORT_BIN, has the runtime to embed.
    if (compiled.text.includes("Setting up base binary")) return;
    assert.equal(compiled.code, 0, compiled.text);
    await withFolder(async (folder) => {
      await Deno.rename(`${cwd}/word_counter`, `${folder}/word_counter`);
      for (const isolation of ["worker", "process"]) {
        const place = { cwd: folder, env: { VALET_WORKER_POOL_ISOLATION: isolation } };
        await using valet = await startServer(`${folder}/word_counter`, [], place);
        await runsJobs(valet);
        assert.equal((await valet.process.stop()).code, 0);
      }
    });
  });
});

Deno.test("an npm package of Valet can be made, with the types of each export", async () => {
  const args = ["pack", "--dry-run", "--allow-dirty"];
  const { code, text } = await runDeno(args, { cwd: checkoutPath });
  assert.equal(code, 0, text);
  for (const path of ["main", "src/tasks/task", "src/testing/run_task"]) {
    assert.ok(text.includes(` ${path}.d.ts\n`), path);
  }
  assert.ok(text.includes(" src/executor/worker/task_server.d.ts\n"));
  assert.doesNotMatch(text, / tests\/| tasks\//);
});
