// How src/config/schema.ts writes a setting down: a kind of value, its default, and what people are told of it.

import * as v from "valibot";
import type { ValueKind } from "./values.ts";

/** What people are told of a setting. */
export interface SettingNotes extends Omit<ValueKind<unknown>, "schema"> {
  /** As it would be written in the file, or in words: `60s`, `number of cores`. */
  readonly defaultText: string;
  /** An older dotted key of the same setting. */
  readonly alias?: string;
  /** What it does; one sentence. */
  readonly description: string;
}

/** A setting with the default of every machine. */
export function setting<Value>(
  kind: ValueKind<Value>,
  fallback: number | string | boolean | object,
  description: string,
  alias?: string,
): v.GenericSchema<unknown, Value> {
  const defaultText = typeof fallback === "object" ? JSON.stringify(fallback) : String(fallback);
  const { schema, ...notes } = kind;
  return v.pipe(
    v.nullish(schema, fallback),
    v.metadata({ ...notes, alias, defaultText, description }),
  );
}

/** A setting whose default depends on the machine or on another setting; it comes out as null. */
export function derived<Value>(
  kind: ValueKind<Value>,
  defaultText: string,
  description: string,
): v.GenericSchema<unknown, Value | null> {
  const { schema, ...notes } = kind;
  return v.pipe(v.nullish(schema, null), v.metadata({ ...notes, defaultText, description }));
}
