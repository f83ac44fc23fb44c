// From the text of a configuration file to a frozen Config, or to every problem in it with its place.
// Called by src/node/commands.ts at the start. Secrets are not part of it: see src/config/secrets.ts.

import { type Problem, readSettings } from "./yaml.ts";
import { checkSettings, listSettings, type SettingNotes, type WrongValue } from "./schema.ts";
import type { Config } from "./shape.ts";
import { didYouMean } from "../did_you_mean.ts";
import { errorMessage, ValetError } from "../errors.ts";
import type { LogFormat } from "../log/line.ts";

export type { Config };

const maxFileBytes = 1_048_576;
const maxShownLength = 60;

/**
 * Reads a configuration file: at most 1 MiB of UTF-8.
 *
 * @throws ValetError `invalid_config` as {@link parseConfig} does, and where there is no such text.
 */
export async function loadConfig(path: string): Promise<Config> {
  return await parseConfig(readText(path), path);
}

/**
 * The Config that a YAML text describes. `fileName` only names the text in errors.
 *
 * @throws ValetError `invalid_config`: one detail for every problem, in the order of the text, with
 * the dotted key as its path and a line such as `config.yaml:12:5: ...` as its message.
 */
// deno-lint-ignore require-await -- async turns what is thrown into a rejection
export async function parseConfig(text: string, fileName: string): Promise<Config> {
  const notes = listSettings();
  const keys = knownKeys(notes);
  const { values, positions, problems } = readSettings(text, keys);
  const check = checkSettings(values);
  if ("config" in check && problems.length === 0) return check.config;

  const wrong = "wrong" in check ? check.wrong : [];
  const all: readonly Problem[] = [
    ...problems,
    ...wrong.map((value) => ({
      // A name such as ~ is another text in the file.
      ...(positions.get(value.path) ?? positions.get(value.key)!),
      path: value.path,
      message: describeWrong(value, notes.get(value.key)!),
    })),
  ];
  throw invalidConfig(
    fileName,
    all.toSorted((a, b) => a.line - b.line || a.column - b.column)
      .map(({ line, column, path, message }) => ({
        path,
        message: `${fileName}:${line}:${column}: ${message}`,
      })),
  );
}

/** The `logging_format` of a configuration file, whatever else is wrong with it; `text` where it has none. */
export function readLoggingFormat(path: string): LogFormat {
  try {
    const { values } = readSettings(readText(path), knownKeys(listSettings()));
    return values.get("logging_format") === "json" ? "json" : "text";
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

function describeWrong({ path, value }: WrongValue, notes: SettingNotes): string {
  const { allowed, hint = "", options = [] } = notes;
  const guess = typeof value === "string" ? didYouMean(value, options) : "";
  return `${path} is ${show(value)}: ${allowed} is allowed${hint}${guess}`;
}

/** Reads at once and not as a stream, which takes 20 ms to load. */
function readText(path: string): string {
  // One byte more than is allowed, so that a path such as /dev/zero ends too.
  const bytes = new Uint8Array(maxFileBytes + 1);
  let size = 0;
  try {
    using file = Deno.openSync(path);
    for (let count: number | null; (count = file.readSync(bytes.subarray(size)));) size += count;
    if (size <= maxFileBytes) {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, size));
    }
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "there is no such file: --config names another"
      : error instanceof TypeError
      ? "the file is not UTF-8"
      : `the file cannot be read: ${errorMessage(error)}`;
    throw invalidConfig(path, [{ path: "", message: `${path}: ${why}` }], error);
  }
  const message = `${path}: the file is too large: at most ${maxFileBytes} bytes are allowed`;
  throw invalidConfig(path, [{ path: "", message }]);
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
