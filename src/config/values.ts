// The kinds of values that a setting may have: how to check one, and how to say what is allowed.
// Used by src/config/schema.ts.

import * as v from "valibot";
import { parseDuration } from "../duration.ts";

/** The most items that a list may have. */
export const maxListLength = 100;

/** A kind of value. */
export interface ValueKind<Value> {
  /** Checks a value and brings it into the form that the code uses. */
  readonly schema: v.GenericSchema<unknown, Value>;
  /** What is allowed, for people: `an integer from 1 to 1000`. */
  readonly allowed: string;
  /** What an item of a list may be. */
  readonly allowedItem?: string;
  /** The end of an error, where it is not plain how to write such a value: `, such as 5s`. */
  readonly hint?: string;
  /** The names to choose from. */
  readonly options?: readonly string[];
  /** What a text of the environment would be in the file; a text that is none stays one. Absent: the text. */
  readonly fromText?: (text: string) => unknown;
}

/** An integer that stands in a text, else the text. */
function readInteger(text: string): unknown {
  return /^[-+]?\d+$/.test(text) ? Number(text) : text;
}

/** A mapping has the form of JSON there. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An integer within bounds; `unit` only names what it counts. */
export function integer(min: number, max: number, unit?: string): ValueKind<number> {
  return {
    fromText: readInteger,
    schema: v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max)),
    allowed: `an integer from ${min} to ${max}${unit === undefined ? "" : ` (${unit})`}`,
  };
}

/** true or false. */
export function flag(): ValueKind<boolean> {
  return {
    schema: v.boolean(),
    allowed: "true or false",
    fromText: (text) => /^(true|false)$/i.test(text) ? text.toLowerCase() === "true" : text,
  };
}

/** One of some names. */
export function choice<const Name extends string>(...options: readonly Name[]): ValueKind<Name> {
  const allowed = options.join(", ").replace(/, ([^,]*)$/, " or $1");
  return { schema: v.picklist(options), allowed, options };
}

/** A text that a pattern describes. */
export function text(pattern: RegExp, allowed: string): ValueKind<string> {
  return { schema: v.pipe(v.string(), v.regex(pattern)), allowed };
}

/** A mapping whose names a pattern describes, to texts, integers and flags. */
export function flatMap(name: RegExp, allowed: string): ValueKind<Record<string, FlatValue>> {
  const value = v.union([v.string(), v.pipe(v.number(), v.safeInteger()), v.boolean()]);
  const isShort = (map: Record<string, FlatValue>) => Object.keys(map).length <= maxListLength;
  return {
    schema: v.pipe(v.record(v.pipe(v.string(), v.regex(name)), value), v.check(isShort)),
    allowed,
    fromText: readJson,
  };
}

/** What a {@link flatMap} holds under a name. */
export type FlatValue = string | number | boolean;

/** A TCP port as a number or as a text of digits; 0: any free one. */
export function port(): ValueKind<number> {
  return {
    schema: v.pipe(
      v.union([v.number(), v.pipe(v.string(), v.digits(), v.transform(Number))]),
      v.integer(),
      v.minValue(0),
      v.maxValue(65_535),
    ),
    allowed: "an integer from 0 to 65535",
  };
}

/**
 * A length of time within bounds, in milliseconds: a text such as `500ms`, `5s` or `7d`, or an
 * integer that counts `unit.ms` milliseconds.
 */
export function duration(
  min: string,
  max: string,
  unit: { readonly ms: number; readonly name: string },
): ValueKind<number> {
  return {
    schema: v.pipe(
      v.union([
        v.pipe(v.number(), v.transform((count) => count * unit.ms)),
        v.pipe(v.string(), v.transform(parseDuration)),
      ]),
      v.integer(),
      v.minValue(parseDuration(min)),
      v.maxValue(parseDuration(max)),
    ),
    fromText: readInteger,
    allowed: `a duration from ${min} to ${max}`,
    hint: `, such as 500ms, 5s, 2h, 7d or an integer in ${unit.name}`,
  };
}
