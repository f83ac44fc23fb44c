// Runs the tests: `deno task test`. With arguments, `deno test` gets them and that is all; without, the
// whole suite runs with its coverage, and once more end to end against the executable. The name must
// not be one that `deno test` takes for a test.

import { fileURLToPath } from "node:url";
import { binaryPath, compileValet } from "./compile.ts";

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

/** How many files run at once. Under coverage every start of a worker waits half a second for nothing. */
const partsAtOnce = { DENO_JOBS: "5" };
const endToEndAtOnce = { DENO_JOBS: "4" };

/** The tests of single parts, with their coverage, of which deno.json sets the bound. */
async function testParts(): Promise<boolean> {
  const isPassed = await deno([
    "test",
    ...flags,
    "--parallel",
    "--coverage",
    "--coverage-raw-data-only",
    "--clean",
    "--ignore=tests/e2e,tests/faults",
  ], { ...sanitizers, ...partsAtOnce });
  await say("Coverage:");
  const isCovered = await deno([
    "coverage",
    "--quiet",
    "--include=/(src|drivers|tasks)/",
    "--exclude=/tests/",
  ]);
  return isPassed && isCovered;
}

async function testEndToEnd(env: Record<string, string> = {}): Promise<boolean> {
  const args = ["test", ...flags, "--parallel", "tests/e2e"];
  return await deno(args, { ...sanitizers, ...endToEndAtOnce, ...env });
}

/** The end-to-end tests, from source. */
async function testSources(): Promise<boolean> {
  await say("End to end, from source:");
  return await testEndToEnd();
}

/** The end-to-end tests, against the executable that this Deno compiles. */
async function testBinary(): Promise<boolean> {
  const failure = await compileValet();
  if (failure === null) {
    await say("End to end, against the compiled executable:");
    return await testEndToEnd({ VALET_BINARY: fileURLToPath(binaryPath) });
  }
  await say(`${failure.reason}${failure.isRuntimeMissing ? ": tested from source only" : ""}`);
  return failure.isRuntimeMissing;
}

const isPassed = Deno.args.length > 0
  ? await deno(["test", ...flags, ...Deno.args], sanitizers)
  : [await testParts(), await testSources(), await testBinary()].every(Boolean);
Deno.exit(isPassed ? 0 : 1);
