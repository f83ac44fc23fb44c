// Makes the executable: `deno task compile` writes ./valet. Also called by tools/run_tests.ts.
// It never asks the network for anything but the runtime that `deno compile` embeds.

const root = new URL("../", import.meta.url);

/** Where the executable is written. */
export const binaryPath = new URL(Deno.build.os === "windows" ? "valet.exe" : "valet", root);

/** Why there is no executable. */
export interface CompileFailure {
  /** One line, or for errors in the sources what the compiler printed. */
  readonly reason: string;
  /** Nothing is wrong but that the runtime to embed could not be had. */
  readonly isRuntimeMissing: boolean;
}

// What a task may be granted, and of programs only this executable itself, for its runner processes.
// Linux alone has a name for "itself" that holds wherever the file is put.
const permissionFlags = [
  "--no-prompt",
  "--allow-env",
  "--allow-net",
  "--allow-read",
  "--allow-sys",
  "--allow-write",
  Deno.build.os === "linux" ? "--allow-run=/proc/self/exe" : "--allow-run",
];

/** Compiles the executable with the Deno that runs this; null: it is there and works. */
export async function compileValet(): Promise<CompileFailure | null> {
  const epochS = Deno.env.get("SOURCE_DATE_EPOCH") ?? "";
  if (!/^\d{0,12}$/.test(epochS)) {
    const seen = JSON.stringify(epochS);
    const reason = `Cannot compile: SOURCE_DATE_EPOCH is ${seen}: seconds since 1970 are allowed`;
    return { reason, isRuntimeMissing: false };
  }
  await writeBuildInfo(epochS);
  const output = decodeURIComponent(binaryPath.pathname);
  const { success, stderr } = await run(Deno.execPath(), [
    "compile",
    "--quiet",
    "--frozen",
    // It would be a file of a foreseeable name in the temporary folder of the machine, for no faster start.
    "--no-code-cache",
    // Else every worker has a copy of V8's built-in functions of its own: 2 MB.
    "--v8-flags=--no-short-builtin-calls",
    ...permissionFlags,
    // Found by no import: the module of the workers, and what `valet --version` tells.
    "--include=tasks/worker.ts",
    "--include=build_info.json",
    `--output=${output}`,
    "main.ts",
  ]);
  if (!success) {
    if (!stderr.includes("Setting up base binary")) {
      return { reason: stderr.split("\nStack backtrace", 1)[0]!.trim(), isRuntimeMissing: false };
    }
    const { deno } = Deno.version;
    const reason = `Cannot compile: the runtime of Deno ${deno} can be had neither from the ` +
      "network nor from DENORT_BIN";
    return { reason, isRuntimeMissing: Deno.env.get("DENORT_BIN") === undefined };
  }
  const check = await run(output, ["--version"]);
  if (check.success) return null;
  const reason = `Cannot use the executable: ${check.stderr.trim().split("\n", 1)[0]} ` +
    `(DENORT_BIN must be the runtime of Deno ${Deno.version.deno})`;
  return { reason, isRuntimeMissing: false };
}

/** The commit and time of the build: VALET_COMMIT and SOURCE_DATE_EPOCH stand in for git and the clock. */
async function writeBuildInfo(epochS: string): Promise<void> {
  const time = epochS === "" ? new Date() : new Date(Number(epochS) * 1000);
  const info = {
    commit: Deno.env.get("VALET_COMMIT") || await commitOfSources(),
    build_time: time.toISOString(),
  };
  await Deno.writeTextFile(new URL("build_info.json", root), JSON.stringify(info));
}

async function commitOfSources(): Promise<string> {
  try {
    const { success, stdout } = await run("git", [
      "describe",
      "--always",
      "--dirty",
      "--abbrev=12",
    ]);
    if (success) return stdout.trim();
  } catch {
    // No git on this machine: an archive of the sources has no commit either.
  }
  return "unknown";
}

async function run(
  program: string,
  args: readonly string[],
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const command = new Deno.Command(program, {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1" },
  });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

if (import.meta.main) {
  const failure = await compileValet();
  const text = failure === null
    ? `Compiled ${decodeURIComponent(binaryPath.pathname)}`
    : failure.reason;
  const output = failure === null ? Deno.stdout : Deno.stderr;
  await output.write(new TextEncoder().encode(`${text}\n`));
  Deno.exitCode = failure === null ? 0 : 1;
}
