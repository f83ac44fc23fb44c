// Runs a program, given as its text, in a Deno of its own. For tests of what needs a process of its own.

import { fileURLToPath } from "node:url";

/** Runs the program with these flags of `deno run`; what it wrote. `shellSetup`: shell text before Deno starts. */
export async function runProgram(
  program: string,
  flags: readonly string[],
  shellSetup = "",
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const args = ["run", "--quiet", "--no-prompt", "--no-check", ...flags, "-"];
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", `${shellSetup}\nexec "$0" "$@"`, Deno.execPath(), ...args],
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
