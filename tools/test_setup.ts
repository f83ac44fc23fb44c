// Installs what tests need of the machine, once, before the first of them starts: test files that run side by side
// would fight for the lock of apt-get. Called by run_tests.ts, run_faults.ts and the bench.

import { hasProgram, isInstalled, type NeedName, needs } from "../tests/testing/needs.ts";

const maxLockWaitS = 300;
/** Of the tests; the packages of tests/packages need more. */
const allNeeds = (Object.keys(needs) as NeedName[])
  .filter((name) => needs[name].importedAs.length > 0);

/**
 * Installs what is missing where that is possible: on Debian, as root. Returns null when everything is there, else
 * one line that says what will be ignored and how to get it.
 */
export async function setUp(wanted: readonly NeedName[] = allNeeds): Promise<string | null> {
  let missing = missingOf(wanted);
  if (missing.length > 0 && Deno.uid() === 0 && hasProgram("apt-get")) {
    await install(missing.map((name) => needs[name].debianPackage));
    missing = missingOf(wanted);
  }
  if (missing.length === 0) return null;
  const titles = missing.map((name) => needs[name].title).join(" and ");
  const packages = missing.map((name) => needs[name].debianPackage).join(" ");
  return `Missing: ${titles}. Tests that need it are ignored; to run them: ` +
    `apt-get install -y --no-install-recommends ${packages}`;
}

/** What the tests need that `deno test` runs with these arguments: all tests, if they name no file. */
export async function needsOf(args: readonly string[]): Promise<NeedName[]> {
  const texts: string[] = [];
  for (const arg of args) {
    // A pattern stands for everything in its folder.
    if (!arg.startsWith("-")) await readTests(arg.replace(/[^/]*[*?[{].*$/, "") || ".", texts);
  }
  if (texts.length === 0) return allNeeds;
  return allNeeds.filter((name) =>
    needs[name].importedAs.some((file) => texts.some((text) => text.includes(`/${file}"`)))
  );
}

function missingOf(wanted: readonly NeedName[]): NeedName[] {
  return wanted.filter((name) => !isInstalled(name));
}

async function readTests(path: string, texts: string[]): Promise<void> {
  const info = await Deno.stat(path).catch(() => null); // It is the value of an option.
  if (info?.isFile) texts.push(await Deno.readTextFile(path));
  if (!info?.isDirectory) return;
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory || name.endsWith("_test.ts")) await readTests(`${path}/${name}`, texts);
  }
}

async function install(packages: readonly string[]): Promise<void> {
  await say(`Installing ${packages.join(" and ")} with apt-get, once, for the tests ...`);
  const failure = await aptGet("update") ??
    await aptGet("install", "-y", "--no-install-recommends", ...packages);
  if (failure !== null) await say(`apt-get failed: ${failure}`);
}

/** Null, or the last line of its errors. Waits for its lock where another program has it. */
async function aptGet(...args: readonly string[]): Promise<string | null> {
  const deadlineMs = Date.now() + maxLockWaitS * 1000;
  for (;;) {
    const { success, stderr } = await new Deno.Command("apt-get", {
      args: ["-qq", "-o", `DPkg::Lock::Timeout=${maxLockWaitS}`, ...args],
      env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (success) return null;
    const errors = new TextDecoder().decode(stderr).trim();
    // `update` does not wait for the lock of the lists, whatever that option says.
    const isLocked = errors.includes("Could not get lock");
    if (!isLocked || Date.now() > deadlineMs) return errors.split("\n").at(-1)!;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}
