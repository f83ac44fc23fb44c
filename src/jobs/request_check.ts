// Checks what clients send against the schema of a request: names every wrong, missing and unknown field at
// once, each with the value seen and what is allowed. Used for bodies and for query strings.

import * as v from "valibot";
import { didYouMean } from "../did_you_mean.ts";
import { type ErrorDetail, ValetError } from "../errors.ts";
import { valuePath } from "../value_path.ts";

/** An object as it came from `JSON.parse`, or the parameters of a query string. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A schema of a request: its fields, and no others. */
export interface RequestSchema<Fields> extends v.GenericSchema<unknown, Fields> {
  readonly entries: v.ObjectEntries;
}

/** How a request is checked. */
export interface RequestRule<Fields> {
  readonly schema: RequestSchema<Fields>;
  /** What its errors call a field. */
  readonly noun: "field" | "parameter";
  /** The words of other services and libraries for fields: `params` for `task_params`. */
  readonly otherNames: Readonly<Record<string, string>>;
  /** What only answers have: without effect in a request with an `id`, so that an answer can be sent again. */
  readonly answerFields?: readonly string[];
}

/** A request, checked. */
export interface CheckedRequest<Fields> {
  /** The fields as the schema returns them; not valid unless `wrong` is empty. */
  readonly fields: Fields;
  readonly wrong: readonly ErrorDetail[];
}

/** The bounds of an error, whatever a client sends. */
const maxUnknown = 100;
const maxDetailsInMessage = 5;
const maxSeenLength = 64;

/** A schema of one field, whose errors say what is allowed: `is 7; a text of 1 to 255 characters is allowed`. */
export function field<Schema extends v.GenericSchema>(allowed: string, schema: Schema): Schema {
  const message = ({ input }: v.BaseIssue<unknown>) => `is ${seen(input)}; ${allowed}`;
  return v.config(schema, { message, abortPipeEarly: true });
}

/** Checks a request. Throws nothing and changes nothing. */
export function checkRequest<Fields>(
  { schema, noun, otherNames, answerFields = [] }: RequestRule<Fields>,
  input: JsonObject,
): CheckedRequest<Fields> {
  const names = Object.keys(schema.entries);
  // A missing field as undefined, so that its own schema says what is allowed there.
  const known = names.map((name) => [name, Object.hasOwn(input, name) ? input[name] : undefined]);
  const { output, issues = [] } = v.safeParse(schema, Object.fromEntries(known));
  const wrong = issues.map((issue): ErrorDetail => ({
    path: valuePath(issue.path?.map(({ key }) => key as string) ?? []),
    message: issue.message,
  }));

  const isAnswer = Object.hasOwn(input, "id");
  const unknown = Object.keys(input).filter((name) =>
    !names.includes(name) && !(isAnswer && answerFields.includes(name))
  );
  for (const name of unknown.slice(0, maxUnknown)) {
    const message = answerFields.includes(name)
      ? "is a field of answers, which a request cannot set"
      : `is not a known ${noun}${guess(name, names, otherNames)}`;
    wrong.push({ path: valuePath([name]), message });
  }
  return { fields: output as Fields, wrong };
}

/** The end of an error about an unknown word: the known one that was meant, or all of them. */
function guess(
  name: string,
  names: readonly string[],
  otherNames: Readonly<Record<string, string>>,
): string {
  const plain = name.toLowerCase().replace(/[^a-z]/g, "");
  if (Object.hasOwn(otherNames, plain)) return `; did you mean ${otherNames[plain]}?`;
  const all = names.length === 0 ? "none is known here" : `${names.join(", ")} are known`;
  return didYouMean(name, names) || `; ${all}`;
}

/** The error that names every wrong field of a request to do that. */
export function invalidRequest(what: string, details: readonly ErrorDetail[]): ValetError {
  const named = details.slice(0, maxDetailsInMessage);
  const list = named.map(({ path, message }) => `${path || '""'} ${message}`).join("; ");
  const rest = details.length - named.length;
  const more = rest > 0 ? `; and ${rest} more` : "";
  return new ValetError("invalid_argument", `Cannot ${what}: ${list}${more}`, { details });
}

/** A client's value in an error text, cut to a bounded length. */
export function seen(value: unknown): string {
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  if (value.length <= maxSeenLength) return JSON.stringify(value);
  return `${JSON.stringify(value.slice(0, maxSeenLength))}... (${value.length} characters)`;
}
