import assert from "node:assert/strict";
import { hasLazyEntriesAlone, isLazyTable } from "../../../../src/executor/host/lazy_table.ts";
import { withTasks } from "../../../testing/task_folder.ts";

const lazy = `// Import yours from here.
/* await this */
import type { TaskTable } from "../src/tasks/task.ts";
import type {
  Other,
} from "./other.ts";

export const tasks: TaskTable = {
  mail: { load: () => import("./mail.ts"), permissions: { env: ["PROCESS"], net: true } },
  http: { load: () => import("./http.ts") },
};
`;

Deno.test("hasLazyEntriesAlone finds all code that runs while a table is loaded", () => {
  assert.equal(hasLazyEntriesAlone(lazy), true);
  for (
    const code of [
      'import { mail } from "./mail.ts";',
      'import "./mail.ts";',
      'import mail, { type Mail } from "./mail.ts";',
      'export * from "./mail.ts";',
      'export { tasks } from "./mail.ts";',
      'const mail = await import("./mail.ts");',
      'const mail = import("./mail.ts");',
      'process.stdout.write("loading");',
      "const more = /* */ process.env.MORE;",
      "const { process } = globalThis;",
      'const url = "http://x"; self["process"];',
    ]
  ) {
    assert.equal(hasLazyEntriesAlone(`${code}\n${lazy}`), false, code);
    assert.equal(hasLazyEntriesAlone(`${lazy}${code}`), false, code);
  }
});

Deno.test("isLazyTable reads the table that the module of the workers names, and says no where it cannot", async () => {
  const isLazy = (files: Record<string, string>) =>
    withTasks(files, (workerUrl) => Promise.resolve(isLazyTable(workerUrl)));
  assert.equal(await isLazy({ "mod.ts": lazy }), true);
  assert.equal(await isLazy({ "mod.ts": `import "./x.ts";${lazy}` }), false);
  assert.equal(await isLazy({}), false);
  assert.equal(await isLazy({ "mod.ts": lazy, "worker.ts": "serveTasks(loadTable)" }), false);
  assert.equal(isLazyTable(new URL("../../../../tasks/worker.ts", import.meta.url)), true);
});
