// Starts Valet as users run it: from source, or, with VALET_BINARY=<path>, as the compiled binary, copied
// alone into an empty folder and given an empty environment.

import { fileURLToPath } from "node:url";
import { ApiClient } from "./api_client.ts";
import { ValetProcess } from "./valet_process.ts";

/** How to start a server. */
export interface StartOptions {
  /** Settings beside those of every test: a free port of the loopback interface, a JSON log of all levels. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Set in the environment of the server. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * `fixtures`: the executable of tests/fixtures, `wrong`: one whose table of tasks is wrong, `folder`: one with the
   * tasks of withTasks, `packages`: that of tests/packages; all always from source. Default: the shipped tasks.
   */
  readonly tasks?: keyof typeof mains;
  /** Its limit of file descriptors. Default: that of the test. */
  readonly maxDescriptors?: number;
  /** How long it may take until it listens, in milliseconds. Default: as for every event. */
  readonly startDeadlineMs?: number;
}

/** The process of a server, whether it listens or not. It is killed, and its configuration removed, at the end. */
export interface LaunchedValet extends AsyncDisposable {
  readonly process: ValetProcess;
}

/** A server that listens. `await using` stops it with SIGTERM. */
export interface RunningValet extends LaunchedValet {
  readonly api: ApiClient;
}

const mains = {
  shipped: "../../main.ts",
  fixtures: "../fixtures/main.ts",
  wrong: "../fixtures/wrong_main.ts",
  folder: "../fixtures/folder_main.ts",
  packages: "../packages/main.ts",
};
const binaryPath = Deno.env.get("VALET_BINARY");
/** As in `deno task start`. */
export const denoFlags: readonly string[] = [
  "--quiet",
  "--cached-only",
  "--no-prompt",
  "--allow-env",
  "--allow-net",
  "--allow-read",
  "--allow-sys",
  "--allow-write",
  `--allow-run=${Deno.execPath()}`,
];

/** Starts a server and waits until it listens. */
export async function startValet(options: StartOptions = {}): Promise<RunningValet> {
  const launched = await launchValet(options);
  try {
    return await untilItListens(launched, options.startDeadlineMs);
  } catch (error) {
    await launched[Symbol.asyncDispose]();
    throw error;
  }
}

/** The launched server, once it listens. */
export async function untilItListens(
  launched: LaunchedValet,
  deadlineMs?: number,
): Promise<RunningValet> {
  const { process } = launched;
  const { address } = await process.waitForLog(
    "listening",
    ({ message }) => message === "listening",
    deadlineMs,
  );
  return {
    process,
    api: new ApiClient(String(address), process),
    async [Symbol.asyncDispose]() {
      await process.stop();
      await launched[Symbol.asyncDispose]();
    },
  };
}

/** Starts a server and does not wait for anything. */
export async function launchValet(options: StartOptions = {}): Promise<LaunchedValet> {
  const folder = await Deno.makeTempDir({ prefix: "valet_e2e_" });
  await Deno.writeTextFile(`${folder}/config.yaml`, configText(options.config));
  const process = await runValetCommand(["--config", `${folder}/config.yaml`], options);
  const removed = process.ended.then(() => Deno.remove(folder, { recursive: true }));
  return {
    process,
    async [Symbol.asyncDispose]() {
      await process.kill();
      await removed;
    },
  };
}

/** How to run a command. */
type CommandOptions = Pick<StartOptions, "env" | "maxDescriptors" | "tasks"> & {
  readonly cwd?: string;
  /** Where its standard output goes, in place of the lines of the process. */
  readonly stdoutPath?: string;
};

/** Runs a command that ends by itself: its exit code and what it wrote. */
export async function runToEnd(
  args: readonly string[],
  options?: CommandOptions,
): Promise<{ code: number; out: string; err: string }> {
  const process = await runValetCommand(args, options);
  const { code } = await process.waitForEnd();
  return { code, out: process.lines.join("\n"), err: process.stderr };
}

/** Runs the executable with these arguments. The caller waits for its end. */
export async function runValetCommand(
  args: readonly string[],
  options: CommandOptions = {},
): Promise<ValetProcess> {
  const { cwd, env = {}, maxDescriptors, stdoutPath, tasks = "shipped" } = options;
  const isBinary = binaryPath !== undefined && tasks === "shipped";
  const main = fileURLToPath(import.meta.resolve(mains[tasks]));
  const words = isBinary
    ? [await copyOfBinary(binaryPath), ...args]
    : [Deno.execPath(), "run", ...denoFlags, main, ...args];
  if (stdoutPath !== undefined) {
    words.unshift("/bin/sh", "-c", `exec "$0" "$@" >${stdoutPath}`);
  }
  if (maxDescriptors !== undefined) {
    words.unshift("/bin/sh", "-c", `ulimit -n ${maxDescriptors}; exec "$0" "$@"`);
  }
  const [path, ...rest] = words;
  const command = new Deno.Command(path!, {
    args: rest,
    ...(cwd === undefined ? {} : { cwd }),
    clearEnv: isBinary,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  return new ValetProcess(command.spawn());
}

/** JSON is YAML, too. */
export function configText(config: StartOptions["config"] = {}): string {
  return JSON.stringify(
    {
      port: 0,
      logging_format: "json",
      logging_level: "debug",
      // The servers of the tests listen on the loopback.
      tasks: { http_request: { allow_private: true }, csv_report: { allow_private: true } },
      ...config,
      server: { host: "127.0.0.1", ...config.server as Record<string, unknown> | undefined },
    },
    null,
    2,
  );
}

let copied: Promise<string> | undefined;

/** One copy serves all the tests of a file: nothing else is ever in its folder. */
function copyOfBinary(path: string): Promise<string> {
  copied ??= (async () => {
    const folder = await Deno.makeTempDir({ prefix: "valet_binary_" });
    addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
    await Deno.copyFile(path, `${folder}/valet`);
    await Deno.chmod(`${folder}/valet`, 0o755);
    return `${folder}/valet`;
  })();
  return copied;
}
