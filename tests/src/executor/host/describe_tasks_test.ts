import assert from "node:assert/strict";
import { ValetError } from "../../../../src/errors.ts";
import {
  type DescribedTasks,
  describeTasks,
} from "../../../../src/executor/host/describe_tasks.ts";
import { withTasks } from "../../../testing/task_folder.ts";

/** A table with an entry for each of these modules, which have the name of the task. */
function lazyTable(names: readonly string[], permissions: Record<string, string> = {}): string {
  const entries = names.map((name) => {
    const beside = permissions[name] === undefined ? "" : `, permissions: ${permissions[name]}`;
    return `  ${name}: { load: () => import("./${name}.ts")${beside} },`;
  });
  return `export const tasks = {\n${entries.join("\n")}\n};\n`;
}

function describe(files: Record<string, string>): Promise<DescribedTasks> {
  return withTasks(files, describeTasks);
}

/** What describeTasks says of these files: task to message. */
async function problemsOf(files: Record<string, string>): Promise<Record<string, string>> {
  try {
    await describe(files);
  } catch (error) {
    assert.ok(error instanceof ValetError);
    assert.equal(error.code, "invalid_config");
    return Object.fromEntries(error.details.map(({ path, message }) => [path, message]));
  }
  throw new Error("nothing was thrown");
}

Deno.test("describeTasks tells names, permissions, timeouts and schemas in the order of the table", async () => {
  const { tasks, notice } = await describe({
    "mod.ts": lazyTable(["b", "a", "c", "d"], { a: "{ net: true }", d: '{ env: ["X"] }' }),
    "a.ts": "export default () => {};",
    "b.ts": "export function b() {}",
    "c.ts": `import * as v from "valibot";
      export default { params: v.object({ n: v.number() }), timeout: { seconds: 2 }, run() {} };`,
    "d.ts": "export const d = { run() {} };\nexport const x = 1;",
  });
  assert.equal(notice, undefined);
  assert.deepEqual([...tasks.keys()], ["b", "a", "c", "d"]);
  const plain = { permissions: {}, timeoutMs: 0, hasParamsSchema: false };
  assert.deepEqual(tasks.get("a"), { ...plain, name: "a", permissions: { net: true } });
  assert.deepEqual(tasks.get("b"), { ...plain, name: "b" });
  assert.deepEqual(tasks.get("d"), { ...plain, name: "d", permissions: { env: ["X"] } });
  const { paramsSchema, paramsChecked: _checked, ...described } = tasks.get("c")!;
  assert.deepEqual(described, { ...plain, name: "c", timeoutMs: 2_000, hasParamsSchema: true });
  assert.equal(paramsSchema?.type, "object");
});

Deno.test("describeTasks loads each task with its own permissions, and the table without any", async () => {
  const read = 'export default () => {}; Deno.env.get("HOME");';
  const files = { "mod.ts": lazyTable(["a"], { a: '{ env: ["HOME"] }' }), "a.ts": read };
  assert.equal((await describe(files)).tasks.size, 1);
});

Deno.test("describeTasks takes modules that await, print, change globals or leave errors behind", async () => {
  const modules = {
    awaits: "await new Promise((resolve) => setTimeout(resolve, 1)); export default () => {};",
    prints: `import process from "node:process";
      import { writeSync } from "node:fs";
      console.log("to", "nobody");
      process.stdout.write("to nobody\\n");
      process.stderr.write("to nobody\\n");
      writeSync(2, "to nobody\\n");
      export default () => {};`,
    changes: `Array.prototype.extra = () => {}; globalThis.added = 1; Promise.prototype.extra = 7;
      export default () => {};`,
    rejects: 'Promise.reject(new Error("left behind")); export default () => {};',
    throws: 'setTimeout(() => { throw new Error("left behind") }); export default () => {};',
  };
  const names = Object.keys(modules);
  const files = Object.fromEntries(names.map((name) => [`${name}.ts`, modules[name as "awaits"]]));
  const { tasks } = await describe({ "mod.ts": lazyTable(names), ...files });
  assert.deepEqual([...tasks.keys()], names);
});

const wrongModules: Record<string, [module: string, message: RegExp]> = {
  native: [
    `import process from "node:process";
      try { process.dlopen({ exports: {} }, "/x/sharp.node") } catch { throw new Error("Reinstall!") }`,
    /^Cannot load the task "native" \(tasks\/native\.ts:2\): it needs ffi access to "\/x\/sharp\.node", which no task can have: .*over HTTP$/,
  ],
  env: [
    'const x = 1;\n\nconst key = Deno.env.get("MAIL_KEY");\nexport default () => key + x;',
    /^Cannot load the task "env" \(tasks\/env\.ts:3\): it reads the environment variable MAIL_KEY when it is loaded; declare permissions\.env: \["MAIL_KEY"\] beside its load$/,
  ],
  all_env: [
    "Deno.env.toObject();",
    /"all_env" \(tasks\/all_env\.ts:1\): it reads environment variables .*; declare permissions\.env: true beside its load$/,
  ],
  net: [
    '\nawait fetch("http://example.com/");',
    /\(tasks\/net\.ts:2\): it needs net access to "example\.com:80" when it is loaded; declare permissions\.net: \["example\.com:80"\] beside its load$/,
  ],
  run: [
    '\nnew Deno.Command("ls").spawn();',
    /\(tasks\/run\.ts:2\): it needs run access to "ls", which no task can have: .*over HTTP$/,
  ],
  throws: [
    '\nthrow new Error("no luck", { cause: new Error("at all") });',
    /^Cannot load the task "throws" \(tasks\/throws\.ts:2\): it fails while it is loaded: no luck: at all$/,
  ],
  throws_text: [
    'throw "no luck";',
    /\(tasks\/throws_text\.ts\): it fails while it is loaded: .*"no luck"/,
  ],
  throws_proxy: [
    "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } });",
    /\(tasks\/throws_proxy\.ts\): it fails while it is loaded: .* cannot be shown$/,
  ],
  syntax: [
    "\nlet = = 3;",
    /\(tasks\/syntax\.ts:2\): it fails while it is loaded: SyntaxError: Expression expected$/,
  ],
  missing_file: [
    'import "./nowhere.ts";',
    /"missing_file" \(tasks\/missing_file\.ts:1\): it fails while it is loaded: Module not found "tasks\/nowhere\.ts"\.$/,
  ],
  missing_package: [
    'import "no-such-package";',
    /\(tasks\/missing_package\.ts:1\): it imports "no-such-package", which deno\.json does not name; run: deno add npm:no-such-package$/,
  ],
  missing_export: [
    'import { nothing } from "./fine.ts"; nothing();',
    /\(tasks\/.*\): it fails while it is loaded: .*nothing/,
  ],
  helper: [
    '\n\nimport "./throws.ts";',
    /"helper" \(tasks\/throws\.ts:2\): it fails while it is loaded: no luck/,
  ],
  exports_other: [
    "export function mail() {}\nexport const x = 1;",
    /^Cannot load the task "exports_other" \(tasks\/exports_other\.ts\): it exports only mail, x: the task as default or under the name exports_other is allowed$/,
  ],
  exports_nothing: [
    "",
    /it exports nothing: the task as default or under the name exports_nothing/,
  ],
  exports_text: [
    'export default "run";',
    /it is string: a function or an object with run is allowed$/,
  ],
  exports_wrong: [
    "export default { timeout: 1, param: {} };",
    /it has the unknown key param; did you mean params\?; it has no function run; it has the timeout 1/,
  ],
  permissions_inside: [
    "export default { permissions: { net: true }, run() {} };",
    /it declares permissions in its module, where .*; they belong beside its load in the table of tasks$/,
  ],
};

Deno.test("describeTasks names task, file, line and remedy of every module that cannot be loaded", async () => {
  const names = Object.keys(wrongModules);
  const files = Object.fromEntries(names.map((name) => [`${name}.ts`, wrongModules[name]![0]]));
  const table = lazyTable(["fine", ...names]);
  const problems = await problemsOf({
    ...files,
    "mod.ts": table,
    "fine.ts": "export default () => {};",
  });
  assert.deepEqual(Object.keys(problems), names);
  for (const [name, [, message]] of Object.entries(wrongModules)) {
    assert.match(problems[name]!, message);
    assert.doesNotMatch(problems[name]!, /\n|file:/);
  }
});

Deno.test("describeTasks names every variable that a module reads without permission, at once", async () => {
  const reads = `import process from "node:process";
    const key = Deno.env.get("MAIL_KEY");
    const isColored = "CI" in process.env || Object.keys(process.env).includes("TERM");
    const { MAIL_HOST, MAIL_PORT } = process.env;
    if (MAIL_HOST === undefined) throw new Error("MAIL_HOST is missing");
    export default () => [key, isColored, MAIL_PORT];`;
  const files = { "mod.ts": lazyTable(["a"], { a: '{ env: ["MAIL_PORT"] }' }), "a.ts": reads };
  assert.deepEqual(await problemsOf(files), {
    a: 'Cannot load the task "a" (tasks/a.ts:2): it reads the environment variable MAIL_KEY when it is loaded; ' +
      'declare permissions.env: ["MAIL_KEY", "MAIL_HOST"] beside its load',
  });
});

Deno.test("describeTasks names the package that a task imports, and the one below it that fails", async () => {
  const problems = await problemsOf({
    "mod.ts": lazyTable(["a", "b"]),
    "a.ts": 'import "./node_modules/outer/mod.ts"; export default () => {};',
    "b.ts": 'import "./node_modules/@scope/inner/starts.ts"; export default () => {};',
    "node_modules/outer/mod.ts":
      'import { level } from "../@scope/inner/level.ts";\nexport default level();',
    "node_modules/@scope/inner/level.ts": 'export const level = () => Deno.env.get("LEVEL");',
    "node_modules/@scope/inner/starts.ts": 'throw new Error("no luck");',
  });
  assert.deepEqual(problems, {
    a: 'Cannot load the task "a" (tasks/a.ts): it loads outer, whose dependency @scope/inner reads the ' +
      'environment variable LEVEL when it is loaded; declare permissions.env: ["LEVEL"] beside its load',
    b: 'Cannot load the task "b" (tasks/b.ts): it loads @scope/inner, which fails while it is loaded: no luck',
  });
});

Deno.test("describeTasks says so where a module has spoilt what its worker tells", async () => {
  const spoils = "Object.prototype.toJSON = () => 7; export default () => {};";
  const problems = await problemsOf({ "mod.ts": lazyTable(["spoils"]), "spoils.ts": spoils });
  assert.match(
    problems["spoils"]!,
    /^Cannot load the task "spoils" \(tasks\/spoils\.ts\): it cannot be described, since/,
  );
});

const wrongEntries: Record<string, [entry: string, message: RegExp]> = {
  text: ['"./text.ts"', /it is string: a function or an object with run is allowed$/],
  load_text: [
    '{ load: "./text.ts" }',
    /it has a load that is string: a function such as \(\) => import/,
  ],
  load_null: ["{ load: null }", /it has a load that is null: /],
  misspelt: [
    "{ load() {}, permisions: {} }",
    /it has permisions beside its load; did you mean permissions\?$/,
  ],
  timeout: [
    "{ load() {}, timeout: {} }",
    /it has timeout beside its load; load and permissions are allowed, /,
  ],
  runs: [
    "{ load() {}, permissions: { run: true } }",
    /it declares permissions\.run, which would let it leave/,
  ],
  all: ['{ load() {}, permissions: "all" }', /it has permissions that are no object/],
  functions: ["{ load() {}, permissions: () => {} }", /it has permissions that are no object/],
  late: ["{ timeout: { seconds: 0 }, run() {} }", /it has a timeout of 0 ms/],
  broken: ["{ get load() { throw new Error('no luck') } }", /it cannot be read: no luck$/],
  unreadable: [
    "new Proxy({}, { getOwnPropertyDescriptor() { throw new Error('no luck') } })",
    /it cannot be read: no luck$/,
  ],
};

Deno.test("describeTasks names every wrong entry of the table before it loads any task", async () => {
  const entries = Object.entries(wrongEntries).map(([name, [entry]]) => `${name}: ${entry}`);
  const table = `export const tasks = { ${entries.join(", ")}, "": () => {}, lazy: ` +
    '{ load: () => import("./nowhere.ts") } };';
  const problems = await problemsOf({ "mod.ts": table });
  assert.deepEqual(Object.keys(problems), [...Object.keys(wrongEntries), ""]);
  for (const [name, [, message]] of Object.entries(wrongEntries)) {
    assert.match(problems[name]!, /^Cannot register the task "/);
    assert.match(problems[name]!, message);
  }
  assert.match(problems[""]!, /it has a name of 0 characters: 1 to 255 are allowed/);
});

Deno.test("describeTasks names the tasks whose permissions Deno refuses", async () => {
  const permissions = { a: '{ net: ["10.0.0.0/99"] }', b: '{ net: ["10.0.0.0/99"] }' };
  const module = "export default () => {};";
  const table = lazyTable(["fine", "a", "b"], permissions);
  const files = { "mod.ts": table, "fine.ts": module, "a.ts": module, "b.ts": module };
  const problems = await problemsOf(files);
  assert.deepEqual(Object.keys(problems), ["a", "b"]);
  assert.match(
    problems["a"]!,
    /^Cannot load the task "a": it cannot have the permissions {"net":\["10\.0\.0\.0\/99"\]}: invalid host '10/,
  );
});

Deno.test("describeTasks refuses a load that gives no module", async () => {
  const table =
    "export const tasks = { a: { load: () => Promise.resolve(() => {}) }, b: { load() {} } };";
  const problems = await problemsOf({ "mod.ts": table });
  assert.match(
    problems["a"]!,
    /^Cannot load the task "a": it has a load that gives no module but function: /,
  );
  assert.match(problems["b"]!, /"b": it has a load that gives no module but undefined: /);
});

Deno.test("describeTasks says what is wrong with a table that cannot be loaded", async () => {
  const env = 'import { mail } from "./mail.ts";\nexport const tasks = { mail };\n';
  const mail = 'const key = Deno.env.get("MAIL_KEY");\nexport const mail = () => key;\n';
  for (
    const [files, message] of [
      [
        { "mod.ts": env, "mail.ts": mail },
        /^Cannot load the table of tasks \(tasks\/mail\.ts:1\): it reads the environment variable MAIL_KEY when it is loaded, and the table is loaded without permissions; the lazy form { load: \(\) => import\("\.\/file\.ts"\), permissions: { env: \["MAIL_KEY"\] } }/,
      ],
      [
        { "mod.ts": "export default {};" },
        /^Cannot load the table of tasks \(tasks\/mod\.ts\): it has no export tasks that is an object: export const tasks = /,
      ],
      [
        { "mod.ts": "export const tasks = [() => {}];" },
        /^Cannot load the table of tasks \(tasks\/mod\.ts\): it has no export tasks that is an object: /,
      ],
      [
        {
          "mod.ts": 'export const tasks = new Proxy({}, { ownKeys() { throw Error("no luck") } });',
        },
        /^Cannot load the table of tasks \(tasks\/mod\.ts:1\): it fails while it is loaded: no luck$/,
      ],
      [
        { "mod.ts": 'import "./x.ts";' },
        /table of tasks \(tasks\/mod\.ts:1\): it fails .*: Module not found "tasks\/x\.ts"/,
      ],
      [
        {},
        /^Cannot load the table of tasks \(tasks\/mod\.ts\): it fails while it is loaded: Module not found/,
      ],
    ] as const
  ) {
    assert.match((await problemsOf(files))[""]!, message);
  }
});

Deno.test("describeTasks notices where modules are loaded by workers that they are not for", async () => {
  const table = (permissions: string) =>
    'import { a } from "./a.ts";\nexport const tasks = { a, b: { load: () => import("./b.ts")' +
    `, permissions: ${permissions} } };`;
  const modules = { "a.ts": "export const a = () => {};", "b.ts": "export const b = () => {};" };
  const same = await describe({ ...modules, "mod.ts": table("{}") });
  assert.equal(same.notice, undefined);
  const { notice } = await describe({ ...modules, "mod.ts": table("{ net: true }") });
  assert.match(
    notice!,
    /^the table of tasks imports a itself, so that the workers of all 2 sets of permissions/,
  );
});

Deno.test("describeTasks gives no permissions and believes no description that cannot be", async () => {
  // What a module does to JSON could make its worker say anything.
  const forge = (answers: unknown[]) =>
    `const answers = ${JSON.stringify(answers)};
     addEventListener("message", () => postMessage(JSON.stringify(answers.shift())));`;
  const entry = { name: "a", isLazy: true, permissions: {}, problems: [] };
  const table = { kind: "table", entries: [entry] };
  const odd: [answers: unknown[], message: RegExp][] = [
    [[7], /told something that is no answer/],
    [[{ kind: "table" }], /told no list/],
    [
      [{ kind: "table", entries: [{ ...entry, permissions: { run: true } }] }],
      /declares permissions\.run/,
    ],
    [[table, { kind: "described", tasks: [], failures: [] }], /told nothing of the task a/],
    [
      [table, { kind: "described", tasks: [{ name: "a", timeoutMs: -1 }], failures: [] }],
      /told the timeout -1/,
    ],
    [
      [table, { kind: "failed" }],
      /told no text but undefined: does a module change built-in objects\?/,
    ],
  ];
  for (const [answers, message] of odd) {
    const [text] = Object.values(await problemsOf({ "worker.ts": forge(answers) }));
    assert.match(text!, message);
  }
});
