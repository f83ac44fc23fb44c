// The test command on machines that lack what its tests need: with an apt-get that installs, one that cannot, and
// none. The machine is a PATH with nothing else on it, and the tests are two in a temporary folder.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { needsOf } from "../../tools/test_setup.ts";

const [tool, needs] = ["../../tools/run_tests.ts", "../testing/needs.ts"].map((path) =>
  fileURLToPath(import.meta.resolve(path))
);
const missing = "Missing: MariaDB. Tests that need it are ignored; to run them: " +
  "apt-get install -y --no-install-recommends mariadb-server";
const installing = "Installing mariadb-server with apt-get, once, for the tests ...";
/** Debian installs only for root. */
const isRoot = Deno.uid() === 0;

interface Run {
  readonly isPassed: boolean;
  /** What it printed, a line each, without times. */
  readonly lines: readonly string[];
  /** The calls of apt-get. */
  readonly calls: readonly string[];
}

/** Runs the tests on a machine whose apt-get is that script, if there is one. */
async function run(aptGet: string | undefined, env: Record<string, string> = {}): Promise<Run> {
  const folder = await Deno.makeTempDir({ prefix: "valet_setup_" });
  try {
    if (aptGet !== undefined) {
      const script = `#!/bin/sh\necho "$*" >>'${folder}/calls'\n${aptGet}\n`;
      await Deno.writeTextFile(`${folder}/apt-get`, script, { mode: 0o755 });
    }
    await Deno.writeTextFile(
      `${folder}/probe_test.ts`,
      `import { testNeeding } from "${needs}";\n` +
        `// It would import "../mariadb_server.ts".\n` +
        `const test = testNeeding("mariadb");\n` +
        `test.beforeAll(() => Deno.statSync("${folder}/mariadbd"));\n` +
        `test("with a server", () => {});\n` +
        `Deno.test("without a server", () => {});\n`,
    );
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--allow-all", tool!, `${folder}/probe_test.ts`],
      env: { CI: "", NO_COLOR: "1", ...env, PATH: folder },
      stdin: "null",
      stderr: "inherit",
    }).output();
    const text = new TextDecoder().decode(stdout).replace(/ \(\d+[^)]*s\)/g, "");
    const calls = await Deno.readTextFile(`${folder}/calls`).catch(() => "");
    const lines = (output: string) => output.split("\n").filter((line) => line !== "");
    return { isPassed: success, lines: lines(text), calls: lines(calls) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "the test command installs what is missing once, waits for locks, and says so in one line",
  // The reason: anybody else may not install.
  ignore: !isRoot,
  async fn() {
    // The first update meets another apt-get.
    const { isPassed, lines, calls } = await run(
      'cd "${0%/*}"; case "$*" in\n' +
        "*update) [ -e locked ] || { : >locked; echo 'E: Could not get lock /x' >&2; exit 100; } ;;\n" +
        "*install*) : >mariadbd; : >mariadb-install-db ;;\nesac",
    );
    assert.equal(isPassed, true);
    assert.equal(lines[0], installing);
    assert.ok(lines.includes("with a server ... ok"), lines.join("\n"));
    assert.match(lines.at(-1)!, /^ok \| 2 passed \| 0 failed/);
    const options = "-qq -o DPkg::Lock::Timeout=300";
    assert.deepEqual(calls, [
      `${options} update`,
      `${options} update`,
      `${options} install -y --no-install-recommends mariadb-server`,
    ]);
  },
});

Deno.test("tests of a server that is missing are ignored by name, and the last line says what brings it", async () => {
  const { isPassed, lines } = await run(undefined);
  assert.equal(isPassed, true);
  assert.ok(lines.includes("with a server ... ignored"), lines.join("\n"));
  assert.ok(lines.includes("without a server ... ok"), lines.join("\n"));
  assert.equal(lines.at(-1), missing);
});

Deno.test({
  name: "an apt-get that fails is quoted, and the tests go on without the server",
  // The reason: anybody else may not install.
  ignore: !isRoot,
  async fn() {
    const { isPassed, lines } = await run("echo 'W: old' >&2; echo 'E: no network' >&2; exit 100");
    assert.equal(isPassed, true);
    assert.deepEqual(lines.slice(0, 2), [installing, "apt-get failed: E: no network"]);
    assert.ok(lines.includes("with a server ... ignored"), lines.join("\n"));
    assert.equal(lines.at(-1), missing);
  },
});

Deno.test("with CI=true a missing server is a failure, before any test starts", async () => {
  assert.deepEqual(await run(undefined, { CI: "true" }), {
    isPassed: false,
    lines: [missing],
    calls: [],
  });
});

Deno.test("needsOf finds what the named tests need, and takes no name for all of them", async () => {
  assert.deepEqual(await needsOf(["--filter", "claim", "tests/src"]), []);
  assert.deepEqual(await needsOf(["tests/drivers/repositories/mysql/*_test.ts"]), ["mariadb"]);
  assert.deepEqual(await needsOf(["--parallel", "tests/e2e"]), ["mariadb", "rabbitmq"]);
  assert.deepEqual(await needsOf(["--filter", "claim"]), ["mariadb", "rabbitmq"]);
});
