// Tasks of a user in a copy of this checkout, with an empty cache of Deno: a package that `deno add` has added works
// from `deno task start` on, one that is not installed is refused and harms nothing, and no check minds the tasks.

import { strict as assert } from "node:assert";
import { checkoutPath, copySources, runDeno, startServer } from "../testing/user_repository.ts";
import { withFolder } from "../testing/with_folder.ts";

const sources = ["deno.json", "deno.lock", "main.ts", "config.yaml", "drivers", "src", "tasks"];

/** Files of a user: no comments, no doc comments, another style, a sub-folder, many lines. */
const files = {
  "tasks/short_id.ts":
    "import {customAlphabet} from 'nanoid'\nexport default () => customAlphabet('a',3)()\n",
  "tasks/mine/Not_Installed.ts": "export default async ({name}: {name: string}) => {\n" +
    "  await import(name)\n}\n" + "// A long file.\n".repeat(500),
  "tests/tasks/short_id_test.ts": 'import shortId from "../../tasks/short_id.ts"\n' +
    "Deno.test('short_id', () => { if (shortId() !== 'aaa') throw new Error() })\n",
};
const entries = `
  short_id: { load: () => import('./short_id.ts') }, // another style
  not_installed: {load: () => import("./mine/Not_Installed.ts")},
  short_id_too: { load: () => import("./short_id.ts"), permissions: { env: ["HOME"] } },
`;

/** Calls `use` with a copy of the checkout that has a user's package and tasks. */
const withTasksOfUser = (
  folders: readonly string[],
  use: (cwd: string) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
) =>
  withFolder(async (cwd) => {
    for (const name of folders) await copySources(`${checkoutPath}/${name}`, `${cwd}/${name}`);
    const added = await runDeno(["add", "--quiet", "npm:nanoid"], { cwd, env });
    assert.equal(added.code, 0, added.text);
    await Deno.mkdir(`${cwd}/tasks/mine`);
    await Deno.mkdir(`${cwd}/tests/tasks`, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${cwd}/${path}`, text);
    }
    const table = await Deno.readTextFile(`${cwd}/tasks/mod.ts`);
    const head = "TaskTable = {";
    assert.ok(table.includes(head));
    await Deno.writeTextFile(`${cwd}/tasks/mod.ts`, table.replace(head, head + entries));
    await use(cwd);
  });

Deno.test("a package that was added works with an empty cache; one that is not installed is refused", async () => {
  await withFolder(async (cache) => {
    await withTasksOfUser(sources, async (cwd) => {
      // As after a clone on another machine.
      await Deno.remove(cache, { recursive: true });
      const lock = await Deno.readTextFile(`${cwd}/deno.lock`);
      for (const isolation of ["worker", "process"]) {
        const env = { DENO_DIR: cache, VALET_WORKER_POOL_ISOLATION: isolation };
        await using valet = await startServer(Deno.execPath(), ["task", "start"], { cwd, env });
        const { api } = valet;
        const job = await api.run("short_id");
        assert.equal(await api.resultOf(job.id), "aaa");

        const refused = await api.run("not_installed", { name: "npm:left-pad@1.3.0" });
        assert.equal(
          refused.failure_reason,
          "imports the package left-pad, which is not installed; run: deno install, " +
            "or for a new package: deno add npm:left-pad",
        );
        const unnamed = await api.run("not_installed", { name: "left-pad" });
        assert.equal(
          unnamed.failure_reason,
          'imports "left-pad", which deno.json does not name; run: deno add npm:left-pad',
        );
        // In a worker that starts only now.
        const later = await api.run("short_id_too");
        assert.equal(await api.resultOf(later.id), "aaa");
        assert.equal((await valet.process.stop()).code, 0);
      }
      assert.equal(await Deno.readTextFile(`${cwd}/deno.lock`), lock);
      const [registry] = Deno.readDirSync(`${cache}/npm`);
      const packages = Array.from(Deno.readDirSync(`${cache}/npm/${registry!.name}`));
      assert.ok(packages.some(({ name }) => name === "nanoid"));
      assert.ok(!packages.some(({ name }) => name === "left-pad"));
    }, { DENO_DIR: cache });
  });
});

Deno.test("what holds for the project's files does not judge tasks of users", async () => {
  await withTasksOfUser([...sources, "bench", "tests", "tools"], async (cwd) => {
    const commands = [
      ["fmt", "--check"],
      ["lint"],
      ["check", "--quiet", "--frozen", "main.ts", "tasks"],
      ["run", "--no-prompt", "--allow-read", "--allow-run", "tools/lint_docs.ts"],
      [
        "test",
        "--frozen",
        "--no-check",
        "--allow-all",
        "tests/architecture_test.ts",
        "tests/tasks",
      ],
    ];
    for (const args of commands) {
      const { code, text } = await runDeno(args, { cwd });
      assert.equal(code, 0, `deno ${args.join(" ")}: ${text}`);
    }
  });
});
