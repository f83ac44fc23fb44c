// Reads the YAML text of a configuration into settings with their positions. It knows names and places,
// not what a value may be. Called by src/config.ts; the only file that knows of YAML.

import {
  constructFromEvents,
  CORE_SCHEMA,
  type Event,
  EVENT_ID,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from "js-yaml";
import { didYouMean } from "./did_you_mean.ts";

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
 * for: itself, if it is no alias. The sections follow from the keys. A text that is no YAML has one
 * problem, the first, and no values; nothing is thrown.
 */
export function readSettings(text: string, keys: ReadonlyMap<string, string>): SettingsReading {
  const reader = new SettingsReader(text, keys);
  try {
    reader.read(parseEvents(text, {}));
  } catch (thrown) {
    reader.addFault(thrown, "");
  }
  return reader;
}

/** Bounds what a few lines with aliases of aliases can grow to. */
const maxUnfoldedEvents = 10_000;
const maxShownKeyLength = 80;

/** The item of a list that has one empty item. */
const emptyValue = parseEvents("-", {})[2]!;

/** The name after `&` or `*`; empty: none. */
function anchorOf(
  text: string,
  { anchorStart, anchorEnd }: { readonly anchorStart: number; readonly anchorEnd: number },
): string {
  return anchorStart < 0 ? "" : text.slice(anchorStart, anchorEnd);
}

class SettingsReader implements SettingsReading {
  readonly values = new Map<string, unknown>();
  readonly positions = new Map<string, Position>();
  readonly problems: Problem[] = [];
  readonly #text: string;
  /** Where each line begins. */
  readonly #lineStarts: readonly number[];
  readonly #keys: ReadonlyMap<string, string>;
  readonly #sections: ReadonlySet<string>;
  #events: readonly Event[] = [];
  /** The event to read next. */
  #next = 0;

  constructor(text: string, keys: ReadonlyMap<string, string>) {
    this.#text = text;
    this.#lineStarts = [0, ...text.matchAll(/\r\n|\r|\n/g).map((end) => end.index + end[0].length)];
    this.#keys = keys;
    this.#sections = new Set([...keys.keys()].flatMap(sectionsOf));
  }

  /** Tells of what the parser refused. */
  addFault(thrown: unknown, path: string): void {
    if (!(thrown instanceof YAMLException)) throw thrown;
    const { mark, reason } = thrown;
    const message = reason.startsWith("nesting exceeded")
      ? "the text is nested too deeply"
      : reason;
    this.#addProblem(mark?.position ?? 0, path, message);
  }

  /** Reads what the parser found. Throws its exception where aliases unfold to far too much. */
  read(events: readonly Event[]): void {
    if (events.length === 0) return;
    this.#events = this.#unfoldAliases(events);
    this.#next = 1;
    this.#readSection("", 0);
    // What is left is the end of the document, and the next document.
    if (this.#next + 1 === this.#events.length) return;
    const at = startOf(this.#events[this.#next + 2]!) ?? this.#text.length;
    this.#addProblem(at, "", "a second YAML document begins here: one is allowed");
  }

  /** The events with those of its anchor in the place of every alias. */
  #unfoldAliases(events: readonly Event[]): Event[] {
    const unfolded: Event[] = [];
    const anchors = new Map<string, readonly Event[]>();
    const open: { readonly anchor: string; readonly start: number }[] = [];
    for (const event of events) {
      if (event.type === EVENT_ID.ALIAS) {
        const offset = event.anchorStart - 1;
        const content = anchors.get(anchorOf(this.#text, event));
        if (content === undefined) {
          this.#addProblem(offset, "", "an alias without an anchor that ends before it");
        }
        for (const copy of content ?? [emptyValue]) unfolded.push(copy);
        if (unfolded.length > maxUnfoldedEvents) {
          YAMLException.throwAt(this.#text, offset, "far too much comes of aliases");
        }
        continue;
      }
      unfolded.push(event);
      if (event.type === EVENT_ID.POP) {
        const { anchor, start } = open.pop()!;
        if (anchor !== "") anchors.set(anchor, unfolded.slice(start));
      } else {
        const anchor = event.type === EVENT_ID.DOCUMENT ? "" : anchorOf(this.#text, event);
        if (event.type !== EVENT_ID.SCALAR) open.push({ anchor, start: unfolded.length - 1 });
        else if (anchor !== "") anchors.set(anchor, [event]);
      }
    }
    return unfolded;
  }

  #addProblem(offset: number, path: string, message: string): void {
    this.problems.push({ ...this.#positionOf(offset), path, message });
  }

  #readSection(section: string, offset: number): void {
    if (this.#events[this.#next]!.type === EVENT_ID.MAPPING) {
      this.#next++;
      while (this.#events[this.#next]!.type !== EVENT_ID.POP) this.#readPair(section);
      this.#next++;
    } else if ((this.#takeValue(section) ?? null) !== null) {
      const subject = section === "" ? "the text" : section;
      this.#addProblem(offset, section, `${subject} is not a mapping of keys to values`);
    }
  }

  #readPair(section: string): void {
    const keyEvent = this.#events[this.#next]!;
    const keyAt = startOf(keyEvent) ?? 0;
    if (keyEvent.type !== EVENT_ID.SCALAR) {
      this.#addProblem(keyAt, section, "a key is not a text");
      this.#skip();
      this.#skip();
      return;
    }
    this.#next++;
    const word = getScalarValue(this.#text, keyEvent);
    const written = section === "" ? word : `${section}.${word}`;
    const key = this.#sections.has(written) ? written : this.#keys.get(written);
    if (key === undefined) {
      const guess = this.#guessKey(word, section);
      this.#addProblem(keyAt, written, `${showKey(written)} is not a known key${guess}`);
      this.#skip();
      return;
    }
    const first = this.positions.get(key);
    if (first !== undefined) {
      this.#addProblem(keyAt, key, `${written} is set twice, first in line ${first.line}`);
      this.#skip();
      return;
    }
    const valueAt = startOf(this.#events[this.#next]!) ?? keyAt;
    this.positions.set(key, this.#positionOf(valueAt));
    if (this.#sections.has(key)) this.#readSection(key, valueAt);
    else this.#readValue(key, valueAt);
  }

  #readValue(key: string, valueAt: number): void {
    if (this.#events[this.#next]!.type === EVENT_ID.SEQUENCE) this.#markItems(key, valueAt);
    const value = this.#takeValue(key);
    if (value !== undefined) this.values.set(key, value);
  }

  /** Notes where the items of the list stand that comes next. */
  #markItems(key: string, valueAt: number): void {
    let at = this.#next + 1;
    for (let index = 0; this.#events[at]!.type !== EVENT_ID.POP; index++) {
      const itemAt = startOf(this.#events[at]!) ?? valueAt;
      this.positions.set(`${key}.${index}`, this.#positionOf(itemAt));
      at = this.#endOf(at);
    }
  }

  /** Moves past the next value and returns it as plain data; undefined: it has a problem, which is told. */
  #takeValue(path: string): unknown {
    const start = this.#next;
    this.#skip();
    const [document] = this.#events as [Event];
    const content = this.#events.slice(start, this.#next);
    try {
      const events = [document, ...content, { type: EVENT_ID.POP }];
      return constructFromEvents(events, { source: this.#text, schema: CORE_SCHEMA })[0];
    } catch (thrown) {
      this.addFault(thrown, path);
      return undefined;
    }
  }

  #skip(): void {
    this.#next = this.#endOf(this.#next);
  }

  /** The event after the value that begins with this one. */
  #endOf(start: number): number {
    let depth = 0;
    let at = start;
    do {
      const { type } = this.#events[at++]!;
      if (type === EVENT_ID.POP) depth--;
      else if (type !== EVENT_ID.SCALAR) depth++;
    } while (depth > 0);
    return at;
  }

  /** The same word in another section, or a sibling that looks alike, or else all siblings. */
  #guessKey(word: string, section: string): string {
    const known = [...this.#keys.keys(), ...this.#sections];
    const elsewhere = known.find((key) => lastWordOf(key) === word);
    if (elsewhere !== undefined) return `; did you mean ${elsewhere}?`;
    const siblings = known.filter((key) => sectionOf(key) === section).map(lastWordOf);
    return didYouMean(word, siblings) || `: ${siblings.toSorted().join(", ")} are allowed`;
  }

  #positionOf(offset: number): Position {
    let [line, after] = [1, this.#lineStarts.length + 1];
    while (after - line > 1) {
      const middle = (line + after) >> 1;
      if (this.#lineStarts[middle - 1]! <= offset) line = middle;
      else after = middle;
    }
    return { line, column: offset - this.#lineStarts[line - 1]! + 1 };
  }
}

/** Where a value begins in the text; undefined: it is empty. */
function startOf(event: Event): number | undefined {
  if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING) return event.start;
  if (event.type !== EVENT_ID.SCALAR || event.valueStart < 0) return undefined;
  const isQuoted = event.style === SCALAR_STYLE.DOUBLE_QUOTED ||
    event.style === SCALAR_STYLE.SINGLE_QUOTED;
  return isQuoted ? event.valueStart - 1 : event.valueStart;
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
