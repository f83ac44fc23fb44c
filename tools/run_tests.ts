// Runs the tests: `deno task test`. With arguments, `deno test` gets them and that is all; without, the
// whole suite runs with its coverage, and once more end to end against the executable, and prints a page. First,
// what the tests need of the machine is installed. The name must not be one that `deno test` takes for a test.

import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { binaryPath, compileValet } from "./compile.ts";
import { readLines } from "../src/executor/host/runner_messages.ts";
import { needsOf, setUp } from "./test_setup.ts";

// All permissions: less does not let the tests read in /proc what a process has used. No type check, which
// `deno task check` makes: here every first worker of a test would wait for its own.
const flags = ["--quiet", "--frozen", "--no-check", "--no-prompt", "--allow-all"];

// As variables, because not every supported Deno knows the flags; older ones check anyway.
const sanitizers = { DENO_TEST_SANITIZE_OPS: "1", DENO_TEST_SANITIZE_RESOURCES: "1" };

/** Runs Deno; with `shorten`, which gives what is to be shown of a line of its output. */
async function deno(
  args: readonly string[],
  env: Record<string, string> = {},
  shorten?: (line: string) => string,
): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: fileURLToPath(new URL("../", import.meta.url)),
    env,
    stdin: "null",
    stdout: shorten === undefined ? "inherit" : "piped",
  }).spawn();
  if (shorten !== undefined) {
    for await (const line of readLines(child.stdout)) await write(shorten(line));
  }
  return (await child.status).success;
}

async function write(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text));
}

/** One dot stands for so many tests that passed, or were ignored. */
const testsPerDot = 25;

/** What is shown of the lines that Deno's reporter `dot` writes: failures and the summary as they are. */
function shortenDots(): (line: string) => string {
  let passed = 0;
  return (line) => {
    if (![".", ","].includes(stripVTControlCharacters(line))) return `${line}\n`;
    return ++passed % testsPerDot === 0 ? "." : "";
  };
}

/** Of the table of coverage, files of which less than this share of the lines was run are shown, in per cent. */
const minShownCoverage = 90;

/** What is shown of the table of coverage: its head, its total, and what lies under the bound. */
function shortenCoverage(line: string): string {
  const lines = /^\| \S.*\|\s*([\d.]+) \|$/.exec(stripVTControlCharacters(line))?.[1];
  const isFine = lines !== undefined && Number(lines) >= minShownCoverage;
  return isFine && !line.includes("All files") ? "" : `${line}\n`;
}

async function say(text: string): Promise<void> {
  await write(`\n${text}\n`);
}

/** Many files at once, a dot for each test: what tests print is not shown. */
const allAtOnce = ["--parallel", "--reporter=dot"];
const filesAtOnce = { DENO_JOBS: "5" };

/** They end workers again and again, and under coverage every start of one takes half a second more. */
const manyWorkers = "tests/src/executor/host/pool_*test.ts";

/** The tests of single parts, with their coverage, of which deno.json sets the bound. */
async function testParts(): Promise<boolean> {
  const isPassed = await deno(
    [
      "test",
      ...flags,
      ...allAtOnce,
      "--coverage",
      "--coverage-raw-data-only",
      "--clean",
      `--ignore=tests/e2e,tests/faults,tests/users,${manyWorkers}`,
    ],
    { ...sanitizers, ...filesAtOnce },
    shortenDots(),
  );
  await say(`Coverage in per cent, of all files and of those under ${minShownCoverage}:`);
  const isCovered = await deno(
    [
      "coverage",
      "--quiet",
      "--include=/(src|drivers|tasks/shipped)/",
      "--exclude=/tests/",
    ],
    {},
    shortenCoverage,
  );
  return isPassed && isCovered;
}

/** Tests without coverage. */
async function test(files: readonly string[], env: Record<string, string> = {}): Promise<boolean> {
  const args = ["test", ...flags, ...allAtOnce, ...files];
  return await deno(args, { ...sanitizers, ...filesAtOnce, ...env }, shortenDots());
}

/** The end-to-end tests, from source, and what testParts leaves out: what users do with the sources, too. */
async function testSources(): Promise<boolean> {
  await say("The ends of workers, and end to end, from source:");
  return await test(["tests/e2e", "tests/users", manyWorkers]);
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
    ? await deno(
      ["test", ...flags, ...Deno.args],
      sanitizers,
      Deno.args.includes("--reporter=dot") ? shortenDots() : undefined,
    )
    : [await testParts(), await testSources(), await testBinary()].every(Boolean));
if (missing !== null) await say(missing);
Deno.exit(isPassed ? 0 : 1);
