// `deno task dev` with a project of its own, SQLite and the edits of a developer.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { ApiClient } from "../testing/api_client.ts";
import { eventually } from "../testing/eventually.ts";
import { configText } from "../testing/start_valet.ts";
import { type LogLine, ValetProcess } from "../testing/valet_process.ts";
import { withFolder } from "../testing/with_folder.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A task of that version: the first waits until it is told to stop. */
function taskOf(version: number): string {
  return `// A task that is edited.
export default async function edited(_params, { job, log, signal }) {
  log.info("runs", { version: ${version} });
  if (${version} === 1) await new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  return { version: ${version}, attempt: job.attempt };
}
`;
}

async function makeProject(folder: string): Promise<void> {
  for (const name of ["deno.json", "deno.lock", "main.ts"]) {
    await Deno.copyFile(`${root}${name}`, `${folder}/${name}`);
  }
  for (const name of ["src", "drivers"]) await Deno.symlink(`${root}${name}`, `${folder}/${name}`);
  await Deno.mkdir(`${folder}/tasks`);
  await Deno.copyFile(`${root}tasks/worker.ts`, `${folder}/tasks/worker.ts`);
  await Deno.writeTextFile(
    `${folder}/tasks/mod.ts`,
    'export const tasks = { edited: { load: () => import("./edited.ts") } };\n',
  );
  await Deno.writeTextFile(`${folder}/tasks/edited.ts`, taskOf(1));
  await Deno.mkdir(`${folder}/lib`);
  const repository = { option: "sqlite", sqlite: { path: `${folder}/valet.db` } };
  await Deno.writeTextFile(`${folder}/config.yaml`, configText({ repository }));
}

interface DevProject {
  readonly dev: ValetProcess;
  readonly folder: string;
  edit(text: string): Promise<void>;
  /** The server of that start. */
  server(count: number): Promise<ApiClient>;
}

/** Runs `deno task dev` on a project of its own. */
function withDev(
  env: Record<string, string>,
  use: (project: DevProject) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    await makeProject(folder);
    const permissions = ["--allow-env", "--allow-read", "--allow-run"];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", ...permissions, `${root}tools/dev.ts`],
      ...{ cwd: folder, env, stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn();
    const dev = new ValetProcess(child);
    try {
      await use({
        dev,
        folder,
        edit: (text) => Deno.writeTextFile(`${folder}/tasks/edited.ts`, text),
        async server(count) {
          const starts = () => dev.log.filter(({ message }) => message === "listening");
          const line = await eventually(`start ${count}`, () => starts()[count - 1]);
          return new ApiClient(String(line["address"]), dev);
        },
      });
    } finally {
      await dev.kill();
    }
  });
}

const versionRuns = (version: number) => (line: LogLine) =>
  line.message === "runs" && line["version"] === version;

Deno.test("deno task dev starts Valet anew after each edit, and a running job goes on with the new source", async () => {
  await withDev({}, async ({ dev, folder, edit, server }) => {
    const first = await server(1);
    const id = await first.submit("edited");
    await dev.waitForLog("the run of version 1", versionRuns(1));

    for (let save = 0; save < 5; save++) await edit(`// ${save}\n${taskOf(2)}`);
    const second = await server(2);
    await second.waitForJob(id);
    assert.deepEqual(await second.resultOf(id), { version: 2, attempt: 2 });
    assert.deepEqual(crashesIn(`${folder}/valet.db`), [0]);

    // What an editor or the server itself writes is no source.
    await Deno.writeTextFile(`${folder}/tasks/.edited.ts.swp`, "x");
    await Deno.writeTextFile(`${folder}/notes.txt`, "x");
    await edit("export default function edited( {");
    await eventually("the end", () => /Valet has ended with code 2; it starts/.test(dev.stderr));
    await edit(taskOf(3));
    const third = await server(3);
    const last = await third.waitForJob(await third.submit("edited"));
    assert.equal(last.status, "COMPLETED");

    assert.equal((await dev.stop()).code, 0);
    const count = (text: string) => dev.log.filter(({ message }) => message === text).length;
    assert.deepEqual([count("listening"), count("stopped")], [3, 3]);
    await assert.rejects(fetch(`${third.baseUrl}/health/live`));
  });
});

Deno.test("deno task dev starts Valet anew after an edit of a module in any other folder", async () => {
  await withDev({}, async ({ dev, folder, server }) => {
    await server(1);
    // What a task may write itself.
    await Deno.writeTextFile(`${folder}/lib/report.json`, "{}");
    await Deno.writeTextFile(`${folder}/lib/words.ts`, "export const word = 1;\n");
    await server(2);
    assert.equal((await dev.stop()).code, 0);
  });
});

Deno.test("deno task dev ends a server at once that has not stopped after 10 seconds", async () => {
  await withDev({ VALET_SERVER_SHUTDOWN_GRACE: "60s" }, async ({ dev, edit, server }) => {
    const id = await (await server(1)).submit("edited");
    await dev.waitForLog("the run of version 1", versionRuns(1));
    await edit(taskOf(2));
    await dev.waitForLog("the end", ({ message }) => /^ending at once/.test(message), 30_000);
    const second = await server(2);
    await second.waitForJob(id);
    assert.equal((await second.resultOf(id) as { version: number }).version, 2);
    assert.equal((await dev.stop()).code, 0);
  });
});

function crashesIn(path: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return database.prepare("SELECT crashes FROM jobs").all().map(({ crashes }) => crashes);
  } finally {
    database.close();
  }
}
