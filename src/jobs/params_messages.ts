// Says in words what Ajv found wrong with params: each place once, with the value seen and what is allowed.

import type { ErrorObject } from "ajv/dist/2020.js";
import { cutText } from "../cut_text.ts";
import { didYouMean } from "../did_you_mean.ts";
import type { ErrorDetail } from "../errors.ts";
import { valuePath } from "../value_path.ts";
import { seen } from "./request_check.ts";

/** The bounds of an error, whatever client and schema say. */
const maxProblems = 100;
const maxErrorsRead = 1000;
const maxListed = 20;
const maxPatternLength = 100;
const maxMessageLength = 500;

/** As Ajv gives them with `allErrors` and `verbose`: those of the branches of an anyOf stand before its own. */
type AjvError = ErrorObject<string, Record<string, unknown>>;
type Schema = Readonly<Record<string, unknown>> | boolean;

const typeWords: Readonly<Record<string, string>> = {
  array: "an array",
  boolean: "true or false",
  integer: "an integer",
  null: "null",
  number: "a number",
  object: "an object",
  string: "a text",
};

const comparisons: Readonly<Record<string, string>> = {
  exclusiveMaximum: "less than",
  exclusiveMinimum: "more than",
  maximum: "at most",
  minimum: "at least",
};

/** The problems of the params of a job, with paths such as `task_params.rows[1].n`. */
export function paramsProblems(params: object, errors: readonly AjvError[]): ErrorDetail[] {
  const problems = new Map<string, ErrorDetail>();
  for (const error of withoutBranches(errors.slice(0, maxErrorsRead))) {
    const path = pathOf(params, error);
    // That a text is no URL says more than which pattern it does not match.
    if (problems.has(path) && error.keyword !== "format") continue;
    problems.set(path, { path, message: messageOf(params, error) });
    if (problems.size === maxProblems) break;
  }
  return [...problems.values()];
}

/** An error, and if it is that of an anyOf or a oneOf, the errors of each branch. */
interface Problem extends AjvError {
  readonly branches?: readonly (readonly Problem[])[];
}

/** The errors that say something of their own: those of branches are in the error of their anyOf, or take its place. */
function withoutBranches(errors: readonly AjvError[]): Problem[] {
  const told: Problem[] = [];
  for (const error of errors) {
    const { instancePath, keyword } = error;
    if (keyword === "if") continue; // Its then or else has said what is wrong.
    if (keyword !== "anyOf" && keyword !== "oneOf" && keyword !== "contains") {
      if (keyword === "propertyNames") dropNameErrors(told, error);
      told.push(error);
      continue;
    }
    const first = told.findLastIndex((other) => !isWithin(other.instancePath, instancePath)) + 1;
    const branches = groupByBranch(error, told.splice(first));
    const [only, ...others] = branches.filter((branch) => !isHopeless(branch, instancePath));
    const isOne = only !== undefined && others.length === 0 &&
      branches.length === (error.schema as unknown[]).length &&
      !fitsSeveral(error);
    if (isOne) told.push(...only);
    else told.push({ ...error, branches });
  }
  return told;
}

/** Whether it is the error of a oneOf of which more than one branch fits. */
function fitsSeveral({ params: { passingSchemas } }: AjvError): boolean {
  return Array.isArray(passingSchemas);
}

function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}/`);
}

/** What is wrong with the name of a property is told by the error of propertyNames. */
function dropNameErrors(told: Problem[], { instancePath, params }: AjvError): void {
  while (
    told.at(-1)?.instancePath === instancePath && told.at(-1)?.propertyName === params.propertyName
  ) told.pop();
}

/** The errors of branches that are a `$ref` cannot be told apart: their paths begin at what it refers to. */
function groupByBranch({ schemaPath }: AjvError, errors: readonly Problem[]): Problem[][] {
  const nameOf = (error: Problem) =>
    error.schemaPath.startsWith(`${schemaPath}/`)
      ? error.schemaPath.slice(schemaPath.length + 1).split("/")[0]!
      : "";
  return [...Map.groupBy(errors, nameOf).values()];
}

/** Whether the value is of another kind than the branch is for: by its type, or by a field such as `kind`. */
function isHopeless(branch: readonly Problem[], path: string): boolean {
  return branch.some(({ instancePath, keyword }) =>
    instancePath === path
      ? ["const", "enum", "type"].includes(keyword)
      : keyword === "const" && instancePath.lastIndexOf("/") === path.length
  );
}

function pathOf(params: object, { instancePath, keyword, params: about }: AjvError): string {
  const keys: (string | number)[] = ["task_params"];
  let value: unknown = params;
  for (const part of instancePath.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    keys.push(Array.isArray(value) ? Number(key) : key);
    value = (value as Record<string, unknown>)[key];
  }
  const name = keyword === "required" || keyword.startsWith("dependent")
    ? about.missingProperty
    : about.additionalProperty ?? about.unevaluatedProperty ?? about.propertyName;
  return valuePath(name === undefined ? keys : [...keys, String(name)]);
}

function messageOf(params: object, error: Problem): string {
  const { data, keyword, params: about, parentSchema = {} } = error;
  const own = (parentSchema.errorMessage as Record<string, unknown> | undefined)?.[keyword];
  if (typeof own === "string") return cutText(own, maxMessageLength);
  const value = seen(data);
  switch (keyword) {
    case "required":
    case "dependentRequired":
    case "dependencies":
      return missing(error);
    case "additionalProperties":
    case "unevaluatedProperties":
      return unknownParam(String(about.additionalProperty ?? about.unevaluatedProperty), error);
    case "propertyNames":
      return "is not allowed as a name here";
    case "type":
    case "enum":
    case "const":
      return `is ${value}${allowed(parentSchema)}`;
    case "minLength":
    case "maxLength":
      return `has ${count([...data as string].length, "character")}${bounded(error)}`;
    case "pattern": {
      const pattern = cutText(String(about.pattern), maxPatternLength);
      return `is ${value}; a text that matches /${pattern}/ is allowed`;
    }
    case "format":
      return `is ${value}; ${formatWords(String(about.format))} is allowed`;
    case "minimum":
    case "exclusiveMinimum":
    case "maximum":
    case "exclusiveMaximum":
      return `is ${value}; ${comparisons[keyword]} ${about.limit} is allowed`;
    case "multipleOf":
      return `is ${value}; a multiple of ${about.multipleOf} is allowed`;
    case "minItems":
    case "maxItems":
      return `has ${count((data as unknown[]).length, "item")}${bounded(error)}`;
    case "minProperties":
    case "maxProperties":
      return `has ${count(Object.keys(data as object).length, "field")}${bounded(error)}`;
    case "uniqueItems":
      return `has equal items at [${about.j}] and [${about.i}]; each may stand there once`;
    case "anyOf":
    case "oneOf":
      return noBranch(params, error);
    case "contains":
      return "has no item that it needs, or too many";
    case "unevaluatedItems":
    case "items":
      return `has more items than the ${about.len ?? about.limit} that are allowed`;
    default:
      return `is ${value}, which is not allowed`;
  }
}

function noBranch(params: object, error: Problem): string {
  const { branches = [], data, instancePath } = error;
  if (fitsSeveral(error)) {
    return `is ${seen(data)}, which fits more than one allowed form`;
  }
  const kinds = branches.flatMap((branch) => branch.filter(({ keyword }) => keyword === "const"));
  const [kind] = kinds;
  const isByField = kind !== undefined && kind.instancePath !== instancePath &&
    kinds.length >= branches.length &&
    kinds.every((other) => other.instancePath === kind.instancePath);
  if (isByField) {
    const words = either(kinds.map(({ schema }) => seen(schema)));
    const name = pathOf(params, kind).slice(pathOf(params, error).length + 1);
    return `has the ${name} ${seen(kind.data)}; ${words} is allowed`;
  }
  const hopeful = branches.filter((branch) => !isHopeless(branch, instancePath));
  const [closest] = hopeful.toSorted((a, b) => a.length - b.length);
  if (closest?.[0] === undefined) return `is ${seen(data)}${allowedBy(branches)}`;
  const inner = `${pathOf(params, closest[0])} ${messageOf(params, closest[0])}`;
  return `fits none of the allowed forms; in the closest one ${inner}`;
}

function missing({ params: about, parentSchema = {} }: AjvError): string {
  const { properties = {} } = parentSchema as { readonly properties?: Record<string, Schema> };
  const name = String(about.missingProperty);
  const trigger = about.property === undefined ? "" : `, which ${String(about.property)} needs`;
  return `is missing${trigger}${Object.hasOwn(properties, name) ? allowed(properties[name]!) : ""}`;
}

function unknownParam(name: string, { parentSchema = {} }: AjvError): string {
  const known = Object.keys((parentSchema as { readonly properties?: object }).properties ?? {});
  const guess = didYouMean(name, known);
  if (guess !== "" || known.length === 0) return `is not a known param${guess}`;
  return `is not a known param; ${list(known)} are known`;
}

/** The end of a message, `; a text is allowed`; empty where the schema has no short words. */
function allowed(schema: Schema): string {
  return allowedWords(schemaWords(schema));
}

/** The same for the branches of an anyOf, which are all for values of another kind. */
function allowedBy(branches: readonly (readonly Problem[])[]): string {
  const words = branches.flat().flatMap(({ parentSchema = {} }) => schemaWords(parentSchema));
  return allowedWords([...new Set(words)]);
}

function allowedWords(words: readonly string[]): string {
  return words.length === 0 ? "" : `; ${either(words)} is allowed`;
}

function schemaWords(schema: Schema): string[] {
  if (typeof schema === "boolean") return [];
  if ("const" in schema) return [seen(schema.const)];
  if (Array.isArray(schema.enum)) return schema.enum.map(seen);
  const branches = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(branches)) return [...new Set(branches.flatMap(schemaWords))];
  if (schema.type === "string" && typeof schema.format === "string") {
    return [formatWords(schema.format)];
  }
  const types = [schema.type ?? []].flat() as string[];
  return types.map((type) => typeWords[type] ?? type);
}

function formatWords(format: string): string {
  if (format === "uri") return "a URL such as https://example.com/path";
  if (format === "date-time") return "a time such as 2022-06-06T15:04:05Z";
  if (format === "date") return "a date such as 2022-06-06";
  return `a text of the format ${cutText(format, maxPatternLength)}`;
}

function either(words: readonly string[]): string {
  const shown = words.slice(0, maxListed);
  if (words.length > maxListed) {
    return `${shown.join(", ")} or one of ${words.length - maxListed} more`;
  }
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}`;
}

function list(words: readonly string[]): string {
  const shown = words.slice(0, maxListed).map((word) => cutText(word, maxPatternLength)).join(", ");
  return words.length > maxListed ? `${shown} and ${words.length - maxListed} more` : shown;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function bounded({ keyword, params: { limit } }: AjvError): string {
  const word = keyword.startsWith("min") ? "at least" : "at most";
  return `; ${word} ${limit} ${limit === 1 ? "is" : "are"} allowed`;
}
