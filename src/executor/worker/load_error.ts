// What is told of a module that threw or could not be found while it was loaded: where that was, as far as the error
// tells, and what to do. Runs inside the worker.

import { stripVTControlCharacters } from "node:util";
import type { LoadFailure, LoadStep } from "../wire/load_messages.ts";
import { isGrantable } from "../../tasks/permissions.ts";
import { readRefusal, thrownReason } from "./failure_text.ts";
import { missingPackageReason } from "./missing_package.ts";

/** The folder of Valet's own sources: their lines in a stack say nothing about the module. */
const ownFolder = new URL("../../", import.meta.url).href;
const lazyForm = 'the lazy form { load: () => import("./file.ts")';
const lazyEffect = " loads a module only where it is needed";
const oneVariable = "reads the environment variable ";

/** What is known of a failure beside the error. */
export interface FailureFacts {
  /** What the module was told that no task can have: a package hides that behind advice of its own. */
  readonly denial?: string | undefined;
  /** Every variable of the environment that the module reads without permission. */
  readonly variables?: readonly string[];
}

/** Why the module could not be loaded, and what to do. */
export function describeLoadError(
  step: LoadStep,
  thrown: unknown,
  { denial, variables }: FailureFacts = {},
): LoadFailure {
  const error = readError(thrown);
  const places = placesOf(error);
  const own = places.find(({ file }) => packageOf(file) === undefined);
  const packages = places.map(({ file }) => packageOf(file)).filter((name) => name !== undefined);
  const reason = denial ?? reasonOf(error, step, variables) ??
    `fails while it is loaded: ${firstLine(thrownReason(thrown))}`;
  const isImportedByTable = step.taskName === "" && places.length > 0 && own?.file !== step.file;
  const remedy = isImportedByTable && !reason.includes(lazyForm)
    ? `; ${lazyForm} }${lazyEffect}`
    : "";
  return {
    ...step,
    ...(own ?? { line: 0 }),
    reason: (own === undefined ? importOf(packages) : "") + reason + remedy,
    isRefusedVariable: reason.startsWith(oneVariable),
  };
}

/** A package throws deep inside: the package that the task has loaded tells more. `packages`: the innermost first. */
function importOf(packages: readonly string[]): string {
  const [innermost] = packages;
  const outermost = packages.at(-1);
  if (innermost === outermost) return innermost === undefined ? "" : `loads ${innermost}, which `;
  return `loads ${outermost}, whose dependency ${innermost} `;
}

interface Place {
  readonly file: string;
  readonly line: number;
}

/** The texts of an error; empty where it has none, or throws when it is read. */
type ErrorTexts = Readonly<Record<"name" | "message" | "stack", string>>;

function readError(thrown: unknown): ErrorTexts {
  try {
    const { name, message, stack } = thrown as Error;
    return { name: String(name), message: plain(message), stack: plain(stack ?? "") };
  } catch {
    return { name: "", message: "", stack: "" };
  }
}

/** Without colours, which Deno gives to the places of imports unless NO_COLOR is set. */
function plain(text: unknown): string {
  return stripVTControlCharacters(String(text));
}

/** The lines of files that the error names, the one where it was thrown first. */
function placesOf({ message, stack }: ErrorTexts): Place[] {
  const places = (stack || message).matchAll(/\b(file:\/\/[^\s()]+?):(\d+):\d+/g);
  return [...places].map(([, file, line]) => ({ file: file as string, line: Number(line) }))
    .filter(({ file }) => !file.startsWith(ownFolder));
}

/** The package that the file belongs to; undefined: none. */
function packageOf(file: string): string | undefined {
  const name = /.*(?:\/npm\/[^/]+|\/node_modules)\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}

/** Of an error that says what the module lacks: that, and how to declare or install it; undefined for others. */
function reasonOf(
  { name, message }: ErrorTexts,
  step: LoadStep,
  variables?: readonly string[],
): string | undefined {
  return name === "NotCapable"
    ? permissionReason(message, step, variables)
    : missingPackageReason(message);
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] as string;
}

function permissionReason(
  message: string,
  { taskName }: LoadStep,
  variables: readonly string[] | undefined,
): string | undefined {
  const refusal = readRefusal(message);
  if (refusal === undefined) return undefined;
  const name = refusal.permission;
  const resource = /^"(.*)"$/.exec(refusal.resource ?? "")?.[1];
  const what = name === "env"
    ? (resource === undefined ? "reads environment variables" : oneVariable + resource)
    : `needs ${name} access${resource === undefined ? "" : ` to "${resource}"`}`;
  if (!isGrantable(name)) {
    return `${what} when it is loaded, which no task can have`;
  }
  const names = variables ?? [resource];
  const value = resource === undefined
    ? "true"
    : `[${names.map((name) => JSON.stringify(name)).join(", ")}]`;
  return taskName === ""
    ? `${what} when it is loaded, and the table is loaded without permissions; ` +
      `${lazyForm}, permissions: { ${name}: ${value} } }${lazyEffect}`
    : `${what} when it is loaded; declare permissions.${name}: ${value} beside its load`;
}
