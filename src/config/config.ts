// From a configuration file and the environment to a frozen Config, or to every problem with its place.
// Called by src/node/commands.ts at the start. Secrets are not part of it: see src/config/secrets.ts.

import { readSettings } from "./yaml.ts";
import { type Environment, hintForVariable, readEnvironment } from "./environment.ts";
import { readFileText } from "./file_text.ts";
import { checkSettings, listSettings, type WrongValue } from "./schema.ts";
import type { SettingNotes } from "./setting.ts";
import type { Config } from "./shape.ts";
import { didYouMean } from "../did_you_mean.ts";
import { errorMessage, ValetError } from "../errors.ts";
import type { LogFormat } from "../log/line.ts";

export type { Config };

const maxShownLength = 60;
const usualPath = "config.yaml";

/** The configuration file to use: the named one, else config.yaml if there is one; undefined: none. */
export function findConfigFile(named: string | undefined): string | undefined {
  if (named !== undefined) return named;
  try {
    Deno.statSync(usualPath);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
  }
  return usualPath;
}

/**
 * The Config of a file, at most 1 MiB of UTF-8, and of the environment; without a file that of the environment alone.
 *
 * @throws ValetError `invalid_config` as {@link parseConfig} does, and where there is no such text.
 */
export async function loadConfig(
  path: string | undefined,
  environment: Environment = Deno.env.toObject(),
): Promise<Config> {
  return await parseConfig(path === undefined ? "" : readText(path), path, environment);
}

/**
 * The Config that a YAML text and the environment describe; what the environment says wins. `fileName` only names
 * the text in errors.
 *
 * @throws ValetError `invalid_config`: one detail for every problem, with the dotted key as its path and a line
 * such as `config.yaml:12:5: ...` as its message: first those of the text, in its order, then those of variables.
 */
// deno-lint-ignore require-await -- async turns what is thrown into a rejection
export async function parseConfig(
  text: string,
  fileName: string = "the environment",
  environment: Environment = {},
): Promise<Config> {
  const notes = listSettings();
  const inFile = readSettings(text, knownKeys(notes));
  const inEnvironment = readEnvironment(environment);
  const check = checkSettings(new Map([...inFile.values, ...inEnvironment.values]));
  const problems = [...inFile.problems];
  const variableProblems = [...inEnvironment.problems];
  for (const wrong of "wrong" in check ? check.wrong : []) {
    const { key, path, value } = wrong;
    const variable = inEnvironment.variables.get(key);
    const name = variable === undefined ? path : variable + path.slice(key.length);
    const message = describeWrong(name, wrong, notes.get(key)!);
    if (variable === undefined) {
      // A name such as ~ is another text in the file.
      const position = inFile.positions.get(path) ?? inFile.positions.get(key)!;
      problems.push({ ...position, path, message });
    } else {
      variableProblems.push({ path, message: message + hintForVariable(value) });
    }
  }
  if ("config" in check && problems.length + variableProblems.length === 0) return check.config;
  throw invalidConfig(fileName, [
    ...problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
      .map(({ line, column, path, message }) => ({
        path,
        message: `${fileName}:${line}:${column}: ${message}`,
      })),
    ...variableProblems,
  ]);
}

/** The `logging_format`, whatever else is wrong with file and environment; `text` where they have none. */
export function readLoggingFormat(
  path: string | undefined,
  environment: Environment = Deno.env.toObject(),
): LogFormat {
  const key = "logging_format";
  const set = readEnvironment(environment).values.get(key);
  if (set !== undefined) return set === "json" ? "json" : "text";
  if (path === undefined) return "text";
  try {
    const { values } = readSettings(readText(path), knownKeys(listSettings()));
    return values.get(key) === "json" ? "json" : "text";
  } catch {
    // No file, or no text: whoever loads it says why.
    return "text";
  }
}

/** Each key and each alias with the key that it stands for. */
function knownKeys(notes: ReadonlyMap<string, SettingNotes>): Map<string, string> {
  const keys = new Map([...notes.keys()].map((key) => [key, key]));
  for (const [key, { alias }] of notes) if (alias !== undefined) keys.set(alias, key);
  return keys;
}

function describeWrong(
  name: string,
  { key, path, value }: WrongValue,
  notes: SettingNotes,
): string {
  const { allowedItem, hint = "", options = [] } = notes;
  const allowed = path === key ? notes.allowed : allowedItem ?? notes.allowed;
  const guess = typeof value === "string" ? didYouMean(value, options) : "";
  return `${name} is ${show(value)}: ${allowed} is allowed${hint}${guess}`;
}

function readText(path: string): string {
  try {
    return readFileText(path);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : errorMessage(error);
    throw invalidConfig(path, [{ path: "", message: `${path}: ${why}` }], error);
  }
}

function invalidConfig(
  fileName: string,
  details: readonly { path: string; message: string }[],
  cause?: unknown,
): ValetError {
  const list = details.map((detail) => detail.message).join("; ");
  return new ValetError("invalid_config", `Cannot use ${fileName}: ${list}`, { details, cause });
}

/** The value as a user would recognize it, on one line and short. */
function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "a mapping";
  if (typeof value !== "string") return String(value);
  return value.length <= maxShownLength
    ? JSON.stringify(value)
    : `${JSON.stringify(value.slice(0, maxShownLength))}...`;
}
