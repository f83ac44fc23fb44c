// Turns what a task returned into the JSON text that is stored, or says why that cannot be done: JSON.stringify
// would make {} of a Map and null of NaN without a word. Runs inside the worker, so that a huge or strange
// result never reaches the server.

import { cutText } from "../../cut_text.ts";
import { valuePath } from "../../value_path.ts";

// Captured before any task module is evaluated: what a task makes of the built-in objects changes nothing here.
const { Boolean, Date, Error, Number, String } = globalThis;
const { isView } = ArrayBuffer;
const { isArray } = Array;
const { getPrototypeOf, hasOwn, keys: keysOf, prototype: objectPrototype } = Object;
const { apply } = Reflect;
const { stringify } = JSON;
const isRawJson = Reflect.get(JSON, "isRawJSON") as ((value: unknown) => boolean) | undefined;
const tagOf = Function.prototype.call.bind(objectPrototype.toString) as (value: unknown) => string;
const timeOf = Function.prototype.call.bind(Date.prototype.getTime) as (date: Date) => number;
const valueOf = Function.prototype.call.bind(Boolean.prototype.valueOf) as (
  value: unknown,
) => boolean;
const encoder = new TextEncoder();

/** How deep a result may be nested: what most readers of JSON take. */
const maxLevels = 512;
/** Of a name and of a path in a reason, in characters. */
const maxNameLength = 64;
const maxPathLength = 512;

/** What to do about a value, by the name that `Object.prototype.toString` gives it. */
const waysOut: Readonly<Record<string, string>> = {
  Map: "convert it with Object.fromEntries(...) or Array.from(...)",
  Set: "convert it with Array.from(...)",
  WeakMap: "its entries cannot be listed: leave it out",
  WeakSet: "its items cannot be listed: leave it out",
  WeakRef: "return what it refers to",
  Error: "return its message, or throw it",
  DOMException: "return its message, or throw it",
  RegExp: "convert it with String(...)",
  Promise: "await it",
  AsyncGenerator: "collect it with await Array.fromAsync(...)",
  ArrayBuffer: "convert it with Array.from(new Uint8Array(...)), or to a text",
  SharedArrayBuffer: "convert it with Array.from(new Uint8Array(...)), or to a text",
  DataView: "convert its buffer with Array.from(new Uint8Array(...)), or to a text",
  Blob: "read it with await blob.text()",
  File: "read it with await file.text()",
  Request: "read it with await request.json() or await request.text()",
  Response: "read it with await response.json() or await response.text()",
  ReadableStream: "read it, such as with await new Response(...).text()",
  Headers: "convert it with Object.fromEntries(...)",
  FormData: "convert it with Object.fromEntries(...)",
  URLSearchParams: "convert it with Object.fromEntries(...)",
};

const moduleWayOut =
  'to load a task from it, write { load: () => import("./file.ts") } in the table of tasks';

/** The failure of a result. A class of its own: a getter or a `toJSON` of the result may throw anything. */
class ResultError extends Error {}

/**
 * The JSON text of a task's result, "" where it returned nothing. A field that is undefined is left out, as
 * everywhere in JSON, and `toJSON` counts; what else JSON would lose or change is an error.
 *
 * @throws Error with the failure reason: the path (`metadata.rows[1].n`), what is there and what to do about
 * it, or that the text has more than `maxBytes` bytes of UTF-8. The work is bounded by `maxBytes`.
 */
export function resultJson(result: unknown, maxBytes: number): string {
  /** The containers around the value that is being written, and the key of each next one. */
  const holders: object[] = [];
  const trail: (string | number)[] = [];
  let level = 0;
  let text = "";

  function fail(problem: string): never {
    throw new ResultError(`the result cannot be JSON: ${pathOf(trail, level)} ${problem}`);
  }

  function add(piece: string): void {
    text += piece;
    // A UTF-16 unit is one to three bytes of UTF-8.
    if (text.length > maxBytes) throw tooLarge(`more than ${maxBytes}`, maxBytes);
  }

  /** What JSON is made of in the place of a value. */
  function resolve(value: unknown, key: string | number): unknown {
    if (value === null || (typeof value !== "object" && typeof value !== "bigint")) return value;
    if (value instanceof Date && timeOf(value) !== timeOf(value)) {
      fail("is an invalid Date, which JSON would make null; check it before, or use null");
    }
    const { toJSON } = value as { readonly toJSON?: unknown };
    const json: unknown = typeof toJSON === "function"
      ? apply(toJSON, value, [String(key)])
      : value;
    if (json instanceof Number) return Number(json);
    if (json instanceof String) return String(json);
    return json instanceof Boolean ? valueOf(json) : json;
  }

  function write(value: unknown): void {
    if (typeof value === "object") return value === null ? add("null") : writeContainer(value);
    switch (typeof value) {
      case "string":
        // Before it is quoted, which makes it longer.
        if (value.length > maxBytes) throw tooLarge(`more than ${maxBytes}`, maxBytes);
        return add(stringify(value));
      case "number":
        if (value - value === 0) return add(`${value}`);
        return fail(`is ${value}, which JSON would make null; use null or a text`);
      case "boolean":
        return add(value ? "true" : "false");
      case "bigint":
        return fail("is a BigInt; convert it with String(...) or Number(...)");
      case "function":
        return fail("is a function; leave it out, or return what it returns");
      case "symbol":
        return fail("is a symbol; convert it with String(...), or leave it out");
      case "undefined":
        return fail("is undefined, which JSON would make null; use null or leave it out");
    }
  }

  function writeContainer(value: object): void {
    if (isRawJson?.(value)) return add(stringify(value));
    for (let i = 0; i < level; i++) {
      if (holders[i] === value) {
        fail(`is ${pathOf(trail, i)} again, a cycle; leave it out`);
      }
    }
    if (level === maxLevels) fail(`is nested deeper than the ${maxLevels} levels allowed`);
    holders[level] = value;
    if (isArray(value)) writeArray(value);
    else writeObject(value);
  }

  function writeArray(array: readonly unknown[]): void {
    const { length } = array;
    add("[");
    level++;
    for (let i = 0; i < length; i++) {
      if (i > 0) add(",");
      trail[level - 1] = i;
      write(resolve(array[i], i));
    }
    level--;
    add("]");
  }

  function writeObject(object: object): void {
    const keys = keysOf(object);
    const problem = problemOf(object, keys.length === 0);
    if (problem !== undefined) fail(problem);
    add("{");
    level++;
    let isFirst = true;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      trail[level - 1] = key;
      const value = resolve((object as Record<string, unknown>)[key], key);
      if (value === undefined) continue;
      add(isFirst ? `${stringify(key)}:` : `,${stringify(key)}:`);
      isFirst = false;
      write(value);
    }
    level--;
    add("}");
  }

  try {
    const value = resolve(result, "");
    if (value === undefined) return "";
    write(value);
  } catch (cause) {
    if (cause instanceof ResultError) throw cause;
    const why = cause instanceof Error ? cause.message || cause.name : String(cause);
    const path = pathOf(trail, level);
    throw new ResultError(`the result cannot be JSON: ${path} cannot be read: ${why}`, { cause });
  }
  if (text.length * 3 <= maxBytes) return text;
  const bytes = encoder.encode(text).length;
  if (bytes > maxBytes) throw tooLarge(`${bytes}`, maxBytes);
  return text;
}

function tooLarge(size: string, maxBytes: number): ResultError {
  return new ResultError(
    `the result is too large: ${size} bytes of JSON; worker_pool.max_result_bytes allows ${maxBytes}`,
  );
}

/** Why JSON has no form for an object, and what to do; undefined: it has one. */
function problemOf(object: object, isEmpty: boolean): string | undefined {
  const prototype: unknown = getPrototypeOf(object);
  if (prototype === objectPrototype) return undefined;
  if (prototype === null) {
    // What a table has that names a module without load: () => import("./file.ts").
    return tagOf(object) === "[object Module]" ? `is a module; ${moduleWayOut}` : undefined;
  }
  const tag = object instanceof Error ? "Error" : tagOf(object).slice(8, -1);
  const wayOut = hasOwn(waysOut, tag) ? waysOut[tag] : undefined;
  if (wayOut !== undefined) return `${isA(tag === "Error" ? nameOf(object, tag) : tag)}; ${wayOut}`;
  const { next, on, pipe, then } = object as Record<"next" | "on" | "pipe" | "then", unknown>;
  if (typeof then === "function") return `${isA(nameOf(object, tag))}; await it`;
  if (typeof pipe === "function" && typeof on === "function") {
    return `${isA(nameOf(object, tag))}, a stream; read it and return what it held`;
  }
  if (isView(object)) return `${isA(tag)}; convert it with Array.from(...), or to a text`;
  if (!isEmpty) return undefined;
  // What an object of a class has inside, where it shows nothing, JSON does not hold.
  const isIterable = typeof next === "function" || Symbol.iterator in object;
  const isAsync = Symbol.asyncIterator in object;
  const name = tag === "Object" ? nameOf(object, tag) : tag;
  if (isAsync) return `${isA(name)}; collect it with await Array.fromAsync(...)`;
  if (isIterable) return `${isA(name)}; convert it with Array.from(...)`;
  return `${
    isA(name)
  }, of which JSON would hold {}; return a plain object, or give it a toJSON method`;
}

function isA(name: string): string {
  return `is ${/^[AEIO]/.test(name) ? "an" : "a"} ${name.slice(0, maxNameLength)}`;
}

function nameOf(object: object, fallback: string): string {
  const name: unknown = (object as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? name : fallback;
}

/** Where a value stands: `metadata.rows[1].n`. */
function pathOf(trail: readonly (string | number)[], level: number): string {
  return cutText(valuePath(["metadata", ...trail.slice(0, level)]), maxPathLength);
}
