// Parses the command line. Called by src/node/commands.ts first of all; pure: it prints nothing and exits nothing.
// By hand: node:util, which has a parser, costs every start 20 ms and 6 MB for these three options.

import { didYouMean } from "../did_you_mean.ts";
import { ValetError } from "../errors.ts";

/** What the command line asks for. */
export type Command =
  | { readonly name: "serve" | "health"; readonly configPath?: string }
  | { readonly name: "check"; readonly configPath?: string; readonly connects: boolean }
  | { readonly name: "backup"; readonly configPath?: string; readonly filePath: string }
  | {
    readonly name: "run";
    readonly configPath?: string;
    readonly taskName: string;
    /** Each is to be `key=value`. */
    readonly assignments: readonly string[];
  }
  | { readonly name: "tasks" | "help" | "version" };

/** What `valet --help` prints. */
export const helpText = `Valet runs jobs asynchronously and on schedule.

Usage:
  valet [serve] [--config FILE]   Run the server.
  valet check [--config FILE] [--connect]
                                  Check the configuration; say what would run.
  valet health [--config FILE]    Ask the running server whether it is ready.
  valet backup FILE [--config FILE]
                                  Copy the SQLite database of a running server.
  valet tasks                     List the tasks with their permissions and params.
  valet run TASK [KEY=VALUE...] [--config FILE]
                                  Run a task once, without a server; print its
                                  result. A value is JSON if it parses, else text.

Options:
  -c, --config FILE   The configuration file (default: config.yaml if present).
      --connect       Try to reach the stores, too.
  -h, --help          Print this help.
      --version       Print the version, the commit and the build time.

Exit codes:
  0   Stopped in order.
  1   Failed at run time; not ready; the task failed.
  2   Wrong usage or configuration.
`;

const commands = ["serve", "check", "health", "backup", "tasks", "run"] as const;
const options: ReadonlyMap<string, "config" | "connect" | "help" | "version"> = new Map([
  ["--config", "config"],
  ["-c", "config"],
  ["--connect", "connect"],
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
]);

/**
 * The command that the arguments of the process ask for. Where an option is given twice, the last
 * one holds.
 *
 * @throws ValetError `invalid_argument` for anything that is not allowed.
 */
export function parseCommandLine(args: readonly string[]): Command {
  let file: { readonly configPath?: string } = {};
  const flags = new Set<string>();
  const words: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (arg === "--") {
      words.push(...args.slice(index + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      words.push(arg);
      continue;
    }
    const [rawName, inlineValue] = splitOption(arg);
    const name = options.get(rawName);
    if (name === undefined) {
      const names = [...options.keys()].filter((known) => known.startsWith("--"));
      throw usageError(`${rawName} is no option${didYouMean(rawName, names)}`);
    }
    if (name !== "config") {
      if (inlineValue !== undefined) throw usageError(`${rawName} takes no value`);
      flags.add(name);
      continue;
    }
    const value = inlineValue ?? args[++index];
    if (!value || (inlineValue === undefined && value.startsWith("-"))) {
      throw usageError(`${rawName} needs a file name`);
    }
    file = { configPath: value };
  }
  if (flags.has("help")) return { name: "help" };
  if (flags.has("version")) return { name: "version" };

  const [word = "serve", ...operands] = words;
  const name = commands.find((command) => command === word);
  if (name === undefined) {
    throw usageError(`${JSON.stringify(word)} is no command${didYouMean(word, commands)}`);
  }
  const connects = flags.has("connect");
  if (connects && name !== "check") throw usageError(`${name} takes no --connect`);
  if (name === "run") {
    const [taskName, ...assignments] = operands;
    if (!taskName) throw usageError("run needs the name of a task");
    return { name, ...file, taskName, assignments };
  }
  const filePath = name === "backup" ? operands.shift() : undefined;
  const [extra] = operands;
  if (extra !== undefined) throw usageError(`${JSON.stringify(extra)} is one argument too many`);
  if (name === "backup") {
    if (!filePath) throw usageError("backup needs the name of the file to make");
    return { name, ...file, filePath };
  }
  if (name === "check") return { name, ...file, connects };
  return name === "tasks" ? { name } : { name, ...file };
}

/** `--config=FILE` or `-cFILE` as a name and a value; any other option is a name alone. */
function splitOption(arg: string): [string, string?] {
  const equals = arg.indexOf("=");
  if (arg.startsWith("-c") && arg.length > 2) return ["-c", arg.slice(2)];
  return equals < 0 ? [arg] : [arg.slice(0, equals), arg.slice(equals + 1)];
}

function usageError(why: string): ValetError {
  return new ValetError(
    "invalid_argument",
    `Cannot understand the command line: ${why} (valet --help shows what is allowed)`,
  );
}
