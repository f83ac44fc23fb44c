// Reads the YAML text of a configuration into settings with their positions. It knows names and places,
// not what a value may be. Called by src/config.ts; the only file that knows of YAML.

import type { Document, LineCounter, Node, Pair, Scalar } from "yaml";
import { didYouMean } from "./did_you_mean.ts";

// The package's main file is CommonJS, the first of which costs a process 50 ms and 11 MB. Its own build of
// modules has no export of its own, so it is named by its place in the package, whose version is pinned.
const yamlModule = new URL("../browser/index.js", import.meta.resolve("yaml")).href;
const { isAlias, isMap, isScalar, isSeq, LineCounter: Lines, parseDocument } = await import(
  yamlModule
) as typeof import("yaml");

/** A place in the text. */
export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** Something wrong with the text. */
export interface Problem extends Position {
  /** The dotted key; empty: the text as a whole. */
  readonly path: string;
  /** What is wrong and what is allowed, without the place. */
  readonly message: string;
}

/** The settings that a text holds, and what is wrong with it. */
export interface SettingsReading {
  /** Dotted key to value as plain data, for known keys only. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Where the value of a key stands, or an item of its list (`server.cors_origins.0`). */
  readonly positions: ReadonlyMap<string, Position>;
  /** Everything that is wrong, in no particular order. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the settings of a YAML text. `keys` maps every accepted dotted key to the one that it stands
 * for: itself, if it is no alias. The sections follow from the keys. A text that is no YAML has
 * problems and no values; nothing is thrown.
 */
export function readSettings(text: string, keys: ReadonlyMap<string, string>): SettingsReading {
  const lines = new Lines();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // The reader finds keys that are set twice, in linear time.
    uniqueKeys: false,
    // Not "silent": that also hides a second document.
    logLevel: "error",
  });
  const reader = new SettingsReader(document, lines, keys);
  const faults = [...document.errors, ...document.warnings];
  if (faults.length === 0) reader.readDocument();
  // A text nested beyond the stack gives hundreds of errors that all mean this one.
  const tooDeep = faults.find((fault) => fault.code === "RESOURCE_EXHAUSTION");
  for (const fault of tooDeep === undefined ? faults : [tooDeep]) {
    reader.addProblem(fault.pos[0], "", faultTexts[fault.code] ?? fault.message);
  }
  return reader;
}

/** How often one alias may be repeated: bounds what a few lines can grow to. */
const maxAliasCount = 100;
const maxShownKeyLength = 80;

/** Clearer words for what the parser says about itself or its API. */
const faultTexts: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "a second YAML document begins here: one is allowed",
  NON_STRING_KEY: "a key is not a text",
  RESOURCE_EXHAUSTION: "the text is nested too deeply",
};

class SettingsReader implements SettingsReading {
  readonly values = new Map<string, unknown>();
  readonly positions = new Map<string, Position>();
  readonly problems: Problem[] = [];
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #keys: ReadonlyMap<string, string>;
  readonly #sections: ReadonlySet<string>;

  constructor(document: Document, lines: LineCounter, keys: ReadonlyMap<string, string>) {
    this.#document = document;
    this.#lines = lines;
    this.#keys = keys;
    this.#sections = new Set([...keys.keys()].flatMap(sectionsOf));
  }

  addProblem(offset: number, path: string, message: string): void {
    this.problems.push({ ...this.#positionOf(offset), path, message });
  }

  readDocument(): void {
    this.#readSection(this.#document.contents, "", 0);
  }

  #readSection(node: Node | null, section: string, offset: number): void {
    const target = this.#resolve(node);
    if (isMap<Scalar<string>, Node | null>(target)) {
      for (const pair of target.items) this.#readPair(pair, section);
    } else if (!isEmpty(target)) {
      const subject = section === "" ? "the text" : section;
      this.addProblem(offset, section, `${subject} is not a mapping of keys to values`);
    }
  }

  #readPair(pair: Pair<Scalar<string>, Node | null>, section: string): void {
    const word = pair.key.value;
    const written = section === "" ? word : `${section}.${word}`;
    const keyAt = pair.key.range![0];
    const key = this.#sections.has(written) ? written : this.#keys.get(written);
    if (key === undefined) {
      const guess = this.#guessKey(word, section);
      this.addProblem(keyAt, written, `${showKey(written)} is not a known key${guess}`);
      return;
    }
    const first = this.positions.get(key);
    if (first !== undefined) {
      this.addProblem(keyAt, key, `${written} is set twice, first in line ${first.line}`);
      return;
    }
    const valueAt = startOf(pair.value) ?? keyAt;
    this.positions.set(key, this.#positionOf(valueAt));
    if (this.#sections.has(key)) this.#readSection(pair.value, key, valueAt);
    else this.#readValue(pair.value, key, valueAt);
  }

  #readValue(node: Node | null, key: string, offset: number): void {
    const target = this.#resolve(node);
    if (isSeq<Node | null>(target)) {
      for (const [index, item] of target.items.entries()) {
        this.positions.set(`${key}.${index}`, this.#positionOf(startOf(item) ?? offset));
      }
    }
    try {
      this.values.set(key, node?.toJS(this.#document, { maxAliasCount }) ?? null);
    } catch {
      // The only thing that the conversion refuses.
      this.addProblem(
        offset,
        key,
        `${key} has an alias without an anchor, or far too many aliases`,
      );
    }
  }

  /** The same word in another section, or a sibling that looks alike, or else all siblings. */
  #guessKey(word: string, section: string): string {
    const known = [...this.#keys.keys(), ...this.#sections];
    const elsewhere = known.find((key) => lastWordOf(key) === word);
    if (elsewhere !== undefined) return `; did you mean ${elsewhere}?`;
    const siblings = known.filter((key) => sectionOf(key) === section).map(lastWordOf);
    return didYouMean(word, siblings) || `: ${siblings.toSorted().join(", ")} are allowed`;
  }

  #resolve(node: Node | null): Node | null | undefined {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }

  #positionOf(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }
}

function isEmpty(node: Node | null | undefined): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

function startOf(node: Node | null): number | undefined {
  return node?.range?.[0];
}

/** The sections that a key is in: of `a.b.c` these are `a` and `a.b`. */
function sectionsOf(key: string): string[] {
  const words = key.split(".");
  return words.slice(1).map((_, index) => words.slice(0, index + 1).join("."));
}

function sectionOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf(".")));
}

function lastWordOf(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1);
}

function showKey(key: string): string {
  return /^[\w.-]+$/.test(key) && key.length <= maxShownKeyLength
    ? key
    : JSON.stringify(key.slice(0, maxShownKeyLength));
}
