// Runs the tests: `deno task test`. With arguments, `deno test` gets them and that is all; without, the
// whole suite runs with its coverage, and once more end to end against the executable. First, what the tests
// need of the machine is installed. The name must not be one that `deno test` takes for a test.

import { fileURLToPath } from "node:url";
import { binaryPath, compileValet } from "./compile.ts";
import { needsOf, setUp } from "./test_setup.ts";

// All permissions: less does not let the tests read in /proc what a process has used. No type check, which
// `deno task check` makes: here every first worker of a test would wait for its own.
const flags = ["--quiet", "--frozen", "--no-check", "--no-prompt", "--allow-all"];

// As variables, because not every supported Deno knows the flags; older ones check anyway.
const sanitizers = { DENO_TEST_SANITIZE_OPS: "1", DENO_TEST_SANITIZE_RESOURCES: "1" };

async function deno(args: readonly string[], env: Record<string, string> = {}): Promise<boolean> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: fileURLToPath(new URL("../", import.meta.url)),
    env,
    stdin: "null",
  });
  return (await command.spawn().status).success;
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`\n${text}\n`));
}

/** How many files run at once. */
const filesAtOnce = { DENO_JOBS: "5" };

/** They end workers again and again, and under coverage every start of one takes half a second more. */
const manyWorkers = "tests/src/executor/host/pool_*_test.ts";

/** The tests of single parts, with their coverage, of which deno.json sets the bound. */
async function testParts(): Promise<boolean> {
  const isPassed = await deno([
    "test",
    ...flags,
    "--parallel",
    "--coverage",
    "--coverage-raw-data-only",
    "--clean",
    `--ignore=tests/e2e,tests/faults,${manyWorkers}`,
  ], { ...sanitizers, ...filesAtOnce });
  await say("Coverage:");
  const isCovered = await deno([
    "coverage",
    "--quiet",
    "--include=/(src|drivers|tasks)/",
    "--exclude=/tests/",
  ]);
  return isPassed && isCovered;
}

/** Tests without coverage. */
async function test(files: readonly string[], env: Record<string, string> = {}): Promise<boolean> {
  const args = ["test", ...flags, "--parallel", ...files];
  return await deno(args, { ...sanitizers, ...filesAtOnce, ...env });
}

/** The end-to-end tests, from source, and what testParts leaves out. */
async function testSources(): Promise<boolean> {
  await say("The ends of workers, and end to end, from source:");
  return await test(["tests/e2e", manyWorkers]);
}

/** The end-to-end tests, against the executable that this Deno compiles. */
async function testBinary(): Promise<boolean> {
  const failure = await compileValet();
  if (failure === null) {
    await say("End to end, against the compiled executable:");
    return await test(["tests/e2e"], { VALET_BINARY: fileURLToPath(binaryPath) });
  }
  await say(`${failure.reason}${failure.isRuntimeMissing ? ": tested from source only" : ""}`);
  return failure.isRuntimeMissing;
}

const missing = await setUp(await needsOf(Deno.args));
// Nobody reads a passing run of a server for what it has ignored.
const isFailure = missing !== null && Deno.env.get("CI") === "true";
const isPassed = !isFailure &&
  (Deno.args.length > 0
    ? await deno(["test", ...flags, ...Deno.args], sanitizers)
    : [await testParts(), await testSources(), await testBinary()].every(Boolean));
if (missing !== null) await say(missing);
Deno.exit(isPassed ? 0 : 1);
