// A copy of this checkout, or of the example, in which a test works as a user would: with the commands of Deno.

import { fileURLToPath } from "node:url";
import { type RunningValet, untilItListens } from "./start_valet.ts";
import { ValetProcess } from "./valet_process.ts";

/** The path of this checkout, without a slash at its end. */
export const checkoutPath: string = fileURLToPath(new URL("../..", import.meta.url)).slice(0, -1);

/** Where a command runs, and what it gets beside the environment of the test. */
export interface CommandPlace {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Copies a file, or a folder with all that belongs to its sources. */
export async function copySources(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    if (/^(?:node_modules|coverage)$|\.db(?:-\w+)?$/.test(name)) continue;
    await copySources(`${from}/${name}`, `${to}/${name}`);
  }
}

/** Runs Deno to its end: its exit code, and what it wrote on both streams. */
export async function runDeno(
  args: readonly string[],
  { cwd, env = {} }: CommandPlace,
): Promise<{ readonly code: number; readonly text: string }> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Starts a server with a program, on a free port and with a log for machines, and waits until it listens. */
export async function startServer(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: CommandPlace,
): Promise<RunningValet> {
  const command = new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", VALET_PORT: "0", VALET_LOGGING_FORMAT: "json", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const process = new ValetProcess(command.spawn());
  const launched = { process, [Symbol.asyncDispose]: () => process.kill() };
  try {
    return await untilItListens(launched);
  } catch (thrown) {
    await process.kill();
    throw thrown;
  }
}
