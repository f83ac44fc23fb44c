// What the commands say of tasks that cannot be loaded, and that their log is all that they write.

import { strict as assert } from "node:assert";
import { runToEnd, startValet } from "../testing/start_valet.ts";
import { withTasks } from "../testing/task_folder.ts";

/** Runs the commands side by side on these files: the exit code and what each wrote, in its lines. */
function runAll(files: Record<string, string>, ...commands: string[]) {
  return withTasks(files, (workerUrl, cwd) => {
    const options = { tasks: "folder", cwd, env: { TEST_WORKER_URL: workerUrl.href } } as const;
    return Promise.all(commands.map(async (command) => {
      const { code, out, err } = await runToEnd(command === "" ? [] : [command], options);
      return { code, out, err: err.trimEnd().split("\n") };
    }));
  });
}

Deno.test("a module that hangs ends every command with code 2, after 10 seconds", async () => {
  const startMs = performance.now();
  const ends = await runAll(
    {
      "mod.ts": `export const tasks = {
        fine: () => {},
        waits: { load: () => import("./waits.ts") },
        loops: { load: () => import("./loops.ts"), permissions: { net: true } },
      };`,
      "waits.ts": "await new Promise(() => {}); export default () => {};",
      "loops.ts": "while (true); export default () => {};",
    },
    "",
    "check",
    "tasks",
  );
  assert.ok(performance.now() - startMs > 10_000);
  const why = "it has not loaded within 10 seconds: " +
    "a top-level await or a loop of the module does not end";
  for (const end of ends) {
    assert.deepEqual(end, {
      code: 2,
      out: "",
      err: [
        `Cannot load the task "waits" (tasks/waits.ts): ${why}`,
        `Cannot load the task "loops" (tasks/loops.ts): ${why}`,
      ],
    });
  }
});

Deno.test("a module that fails ends every command with code 2 and one line", async () => {
  const ends = await runAll(
    {
      "mod.ts": 'export const tasks = { mail: { load: () => import("./mail.ts") } };',
      "mail.ts": 'console.log("loading");\nconst key = Deno.env.get("MAIL_KEY");\n' +
        "export default () => key;",
    },
    "",
    "check",
    "tasks",
  );
  for (const end of ends) {
    assert.deepEqual(end, {
      code: 2,
      out: "",
      err: [
        'Cannot load the task "mail" (tasks/mail.ts:2): it reads the environment variable MAIL_KEY when it is ' +
        'loaded; declare permissions.env: ["MAIL_KEY"] beside its load',
      ],
    });
  }
});

Deno.test("a table that imports modules itself is told of where sets of permissions differ", async () => {
  const files = {
    "mod.ts": `import { ends } from "./ends.ts";
      export const tasks = { ends, other: { permissions: { net: true }, run: () => {} } };`,
    "ends.ts": "export const ends = () => {};",
  };
  const [checked, told] = await runAll(files, "check", "tasks");
  assert.equal(checked?.code, 0);
  assert.match(
    checked.err.join("\n"),
    /^Warning: the table of tasks imports ends, other itself, .*$/,
  );
  assert.equal(told?.code, 0);
  assert.equal(JSON.parse(told.out).tasks.length, 2);
  await withTasks(files, async (workerUrl) => {
    await using valet = await startValet({
      tasks: "folder",
      env: { TEST_WORKER_URL: workerUrl.href },
    });
    await valet.process.waitForLog(
      "the warning",
      ({ level, message }) =>
        level === "warn" && message.startsWith("the table of tasks imports ends, other itself"),
    );
  });
});

Deno.test("tasks of sets of their own run, whatever the module of one does when it is loaded", async () => {
  await withTasks(
    {
      "mod.ts": `export const tasks = {
        ends: { load: () => import("./ends.ts") },
        reads: { load: () => import("./reads.ts"), permissions: { env: ["TEST_WORKER_URL"] } },
      };`,
      "ends.ts": `Promise.reject(new Error("left behind"));
        setTimeout(() => { throw new Error("left behind"); });
        await new Promise((resolve) => setTimeout(resolve, 20));
        console.log("loaded");
        export const ends = () => "ends";`,
      "reads.ts": 'const url = Deno.env.get("TEST_WORKER_URL"); export default () => url;',
    },
    async (workerUrl) => {
      const env = { TEST_WORKER_URL: workerUrl.href };
      await using valet = await startValet({ tasks: "folder", env });
      for (const [task, result] of [["reads", workerUrl.href], ["ends", "ends"]] as const) {
        const job = await valet.api.run(task);
        assert.equal(job.status, "COMPLETED", job.failure_reason ?? "");
        assert.equal(await valet.api.resultOf(job.id), result);
      }
      await valet.process.waitForLog(
        "what the module printed",
        ({ message, task }) => message === "loaded" && task === "ends",
      );
      await valet.process.waitForLog(
        "what it left behind",
        ({ message, task }) => /: left behind$/.test(String(message)) && task === "ends",
      );
      assert.equal(valet.process.stderr, "");
    },
  );
});

Deno.test("a table without tasks is fine, and valet check says so", async () => {
  const [checked] = await runAll({ "mod.ts": "export const tasks = {};" }, "check");
  assert.equal(checked?.code, 0);
  assert.match(checked.out, /tasks {7}none$/);
});

Deno.test("what a module does later on is told with the tasks of its worker", async () => {
  const task = (name: string) => `${name}: { load: () => import("./${name}.ts") }`;
  const module = "export default () => {};";
  await withTasks(
    {
      "mod.ts": `export const tasks = { ${["a", "b", "c", "d"].map(task).join()} };`,
      ...{ "a.ts": module, "b.ts": module, "c.ts": module },
      "d.ts": `setInterval(() => console.log("later"), 50); ${module}`,
    },
    async (workerUrl) => {
      const env = { TEST_WORKER_URL: workerUrl.href };
      await using valet = await startValet({ tasks: "folder", env });
      await valet.process.waitForLog(
        "a line of no job",
        ({ message, task }) => message === "later" && task === "a, b, c and 1 more",
      );
    },
  );
});
