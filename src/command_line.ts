// Parses the command line. Called by main.ts first of all; pure: it prints nothing and exits nothing.

import { parseArgs } from "node:util";
import { didYouMean } from "./did_you_mean.ts";
import { ValetError } from "./errors.ts";

/** What the command line asks for. */
export type Command =
  | { readonly name: "serve" | "check"; readonly configPath: string }
  | { readonly name: "tasks" | "help" | "version" };

/** What `valet --help` prints. */
export const helpText = `Valet runs jobs asynchronously and on schedule.

Usage:
  valet [serve] [--config FILE]   Run the server.
  valet check [--config FILE]     Check the file; say what would run.
  valet tasks                     List the tasks with their permissions and params.

Options:
  -c, --config FILE   The configuration file (default: config.yaml).
  -h, --help          Print this help.
      --version       Print the version, the commit and the build time.

Exit codes:
  0   Stopped in order.
  1   Failed at run time.
  2   Wrong usage or configuration.
`;

const commands = ["serve", "check", "tasks"] as const;
const options = {
  config: { type: "string", short: "c" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

/**
 * The command that the arguments of the process ask for. Where an option is given twice, the last
 * one holds.
 *
 * @throws ValetError `invalid_argument` for anything that is not allowed.
 */
export function parseCommandLine(args: readonly string[]): Command {
  // Not strict: the errors of parseArgs name no alternatives.
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  let configPath = "config.yaml";
  const flags = new Set<string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    if (!Object.hasOwn(options, token.name)) {
      const guess = didYouMean(token.rawName, Object.keys(options).map((name) => `--${name}`));
      throw usageError(`${token.rawName} is no option${guess}`);
    }
    if (token.name !== "config") {
      if (token.value !== undefined) throw usageError(`${token.rawName} takes no value`);
      flags.add(token.name);
    } else if (!token.value || (!token.inlineValue && token.value.startsWith("-"))) {
      throw usageError(`${token.rawName} needs a file name`);
    } else {
      configPath = token.value;
    }
  }
  if (flags.has("help")) return { name: "help" };
  if (flags.has("version")) return { name: "version" };

  const [word = "serve", extra] = words;
  const name = commands.find((command) => command === word);
  if (name === undefined) {
    throw usageError(`${JSON.stringify(word)} is no command${didYouMean(word, commands)}`);
  }
  if (extra !== undefined) throw usageError(`${JSON.stringify(extra)} is one command too many`);
  return name === "tasks" ? { name } : { name, configPath };
}

function usageError(why: string): ValetError {
  return new ValetError(
    "invalid_argument",
    `Cannot understand the command line: ${why} (valet --help shows what is allowed)`,
  );
}
