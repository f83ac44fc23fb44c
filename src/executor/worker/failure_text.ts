// What is told of something that a task threw: the reason, which is stored and shown to clients, and the
// trace, which is for the log alone. Both are bounded, whatever was thrown. Runs inside the worker.

import { stripVTControlCharacters } from "node:util";
import { isGrantable } from "../../tasks/permissions.ts";
import { denialOf, isDenied } from "./denials.ts";
import { missingPackageReason } from "./missing_package.ts";

// Captured before any task code is loaded: what a task makes of the built-in objects changes nothing here.
const { Error, Set, String } = globalThis;
const { isArray } = Array;
const { inspect: inspectAny } = Deno;
const { stringify } = JSON;
const { getOwnPropertyDescriptors, values } = Object;

/** The longest failure reason, in characters. */
const maxReasonLength = 8192;
/** How many errors are told of one failure, causes and those of AggregateErrors: a chain may lead back to its start. */
const maxErrors = 10;
/** A trace, and the part of each error in it, in characters: the log cuts what is longer. */
const maxTraceLength = 3_800;
const maxStackLength = 1_200;
/** A refused permission in the message of a package, with advice that is not for tasks. */
const quotedRefusal = new RegExp(
  /Requires \w+ access(?: to (?:"[^"]*"|<[^>]*>))?, /.source +
    /(?:run again with the --allow-\w+ flag|specify [\w ]+ using `deno compile --allow-\w+`)/
      .source,
  "g",
);
/** What `node:net` and `node:dns` say where a task must not look up the name of a host. */
const refusedName = /getaddrinfo EPERM (\S+)/g;
/** What is shown of a thrown value that is no Error. */
const inspectOptions = { depth: 2, iterableLimit: 10, strAbbreviateSize: 200 };

/**
 * The failure reason for something that a task threw: its message and those of its causes (`outer: inner:
 * ECONNREFUSED`). A refused permission is told by what the task would have to declare.
 */
export function thrownReason(thrown: unknown): string {
  try {
    const text = thrown instanceof Error
      ? describe(thrown, new Set())
      : `the task threw ${inspect(thrown)}, which is no Error`;
    return text.slice(0, maxReasonLength);
  } catch {
    // A getter, a proxy or a toString of the task's own making threw in its turn.
    return "the task threw something that cannot be shown";
  }
}

/** The stack of something that a task threw, and those of its causes, for the log; "" where there is none. */
export function thrownTrace(thrown: unknown): string {
  try {
    const stacks: string[] = [];
    const collect = (error: unknown, how: string) => {
      if (stacks.length === maxErrors || error === undefined) return;
      if (!(error instanceof Error)) {
        if (how !== "") stacks.push(how + describe(error, new Set()).slice(0, maxStackLength));
        return;
      }
      stacks.push(how + stackOf(error).slice(0, maxStackLength));
      for (const inner of errorsOf(error)) collect(inner, "one of its errors: ");
      collect(error.cause, "caused by: ");
    };
    collect(thrown, "");
    return stacks.join("\n").slice(0, maxTraceLength);
  } catch {
    return "";
  }
}

/** The message of an error, then those of its inner errors and of its cause, where they say more. */
function describe(thrown: unknown, told: Set<unknown>): string {
  if (!(thrown instanceof Error)) return typeof thrown === "string" ? thrown : inspect(thrown);
  told.add(thrown);
  const describeInner = (inner: unknown) =>
    inner === undefined || told.has(inner) || told.size >= maxErrors ? "" : describe(inner, told);
  const errors = errorsOf(thrown);
  const texts = errors.slice(0, maxErrors).map(describeInner).filter((text) => text !== "");
  const rest = errors.length - texts.length;
  if (texts.length > 0 && rest > 0) texts.push(`and ${rest} more`);
  const inner = [texts.join("; "), ...[thrown.cause, ...fieldsOf(thrown)].map(describeInner)];
  const own = messageOf(thrown);
  // Many an error quotes its cause itself.
  const parts = [own, ...inner].filter((text, i) =>
    text !== "" && (i === 0 || !own.includes(text))
  );
  return parts.join(": ") || codeOf(thrown) || thrown.name;
}

function messageOf(error: Error): string {
  // Deno gives colours to the places of imports unless NO_COLOR is set; some packages do so in their messages.
  const message = stripVTControlCharacters(String(error.message).slice(0, maxReasonLength));
  if (error.name === "NotCapable") return permissionReason(message);
  return missingPackageReason(message) ??
    message.replace(quotedRefusal, (quoted) => permissionReason(quoted))
      .replace(refusedName, (_, host) => permissionReason(`Requires net access to "${host}"`));
}

/** The errors in its other fields: not every package calls the cause of its error `cause`. */
function fieldsOf(error: Error): readonly unknown[] {
  // A getter is not asked: it may be there to warn.
  return values(getOwnPropertyDescriptors(error)).map(({ value }) => value as unknown)
    .filter((value) => value instanceof Error);
}

/** Those of an AggregateError. */
function errorsOf(error: Error): readonly unknown[] {
  const { errors } = error as { readonly errors?: unknown };
  return isArray(errors) ? errors : [];
}

/** The word for a failure of the system that says nothing else, such as ECONNREFUSED. */
function codeOf(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : "";
}

function stackOf(error: Error): string {
  const { stack } = error;
  return typeof stack === "string" && stack !== ""
    ? stripVTControlCharacters(stack.slice(0, maxTraceLength))
    : `${error.name}: ${messageOf(error)}`;
}

function inspect(value: unknown): string {
  return typeof value === "string"
    ? stringify(value.slice(0, maxReasonLength))
    : inspectAny(value, inspectOptions).slice(0, maxReasonLength);
}

/** The permission that Deno's message names, and what it was for, as Deno quotes it; undefined: it names none. */
export function readRefusal(
  message: string,
): { readonly permission: string; readonly resource: string | undefined } | undefined {
  // The text after the resource differs between `deno run` and an executable; the resource does not.
  const match = /^Requires (\w+) access(?: to ("[^"]*"|<[^>]*>|[^,]*))?/.exec(message);
  return match === null ? undefined : { permission: match[1]!, resource: match[2] };
}

function permissionReason(message: string): string {
  const refusal = readRefusal(message);
  if (refusal === undefined) return message;
  const { permission, resource } = refusal;
  if (isDenied(permission)) return denialOf(permission, resource);
  // Without a resource a list, which may well have been declared, is not enough.
  const [what, value] = resource === undefined ? ["everything", ": true"] : [resource, ""];
  const remedy = isGrantable(permission)
    ? `; declare permissions.${permission}${value}`
    : ", which no task can have";
  return `needs ${permission} access to ${what}${remedy}`;
}

/**
 * The reason of a failure before which a task was told that no task can have something. Where a package quotes that
 * among advice of its own, such as to install it anew, the advice would mislead.
 */
export function reasonAfterDenial(denial: string | undefined, reason: string): string {
  if (denial === undefined) return reason;
  return reason.includes(denial) ? denial : `${denial}; then: ${reason}`.slice(0, maxReasonLength);
}
