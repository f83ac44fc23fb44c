// Reads the YAML text of a configuration into settings with their positions. It knows names and places,
// not what a value may be. Called by src/config/config.ts; the only file that knows of YAML.

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
import { didYouMean } from "../did_you_mean.ts";
import { valuePath } from "../value_path.ts";

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
  /** Where the value of a key stands, or an item of its list or mapping (`server.cors_origins[0]`). */
  readonly positions: ReadonlyMap<string, Position>;
  /** Everything that is wrong, in no particular order. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the settings of a YAML text. `keys` maps every accepted dotted key to the one that it stands
 * for: itself, if it is no alias. The sections follow from the keys. Where the text is no YAML, each of its
 * outermost keys that is none has one problem, the first that the parser met, and the others are read;
 * nothing is thrown.
 */
export function readSettings(text: string, keys: ReadonlyMap<string, string>): SettingsReading {
  const reader = new SettingsReader(text, keys);
  reader.read();
  return reader;
}

/** How many places are told at which a text is no YAML: for each, it is parsed once more. */
const maxFaults = 20;
/** Bounds what a few lines with aliases of aliases can grow to. */
const maxAliasedEvents = 10_000;
const maxShownKeyLength = 80;
const notAText = "a key is not a text";
const noKey =
  "no key with a value: a colon, or the space after it, is missing here or above, or the indentation is bad";
const tagRefused = "a tag is not allowed here";

/** Clearer words for what the parser says, by how it begins. */
const faultTexts: readonly (readonly [string, string])[] = [
  [
    "bad indentation",
    "bad indentation, a text that must stand in quotes, or, above, a colon without the space after it",
  ],
  [
    "deficient indentation",
    "bad indentation: a quote, ] or } is not closed before, or stands no further in than its key",
  ],
  ["can not read", noKey],
  ["end of the stream or", noKey],
  ["name of an alias", "a lone * must stand in quotes"],
  ["nesting exceeded", "the text is nested too deeply"],
  ["object-based map", notAText],
];

/** The name after `&` or `*`; empty: none. */
function anchorOf(
  text: string,
  { anchorStart, anchorEnd }: { readonly anchorStart: number; readonly anchorEnd: number },
): string {
  return anchorStart < 0 ? "" : text.slice(anchorStart, anchorEnd);
}

/** A part of the text, by its offsets. */
interface Part {
  readonly start: number;
  readonly end: number;
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
  /** What the parser found, with a copy of what an alias stands for in its place, if there is that. */
  readonly #events: Event[] = [];
  /** Where each event begins in the text, a copy where its alias does; undefined: it is empty. */
  readonly #starts: (number | undefined)[] = [];
  /** The event to read next. */
  #next = 0;

  constructor(text: string, keys: ReadonlyMap<string, string>) {
    this.#text = text;
    this.#lineStarts = [0, ...text.matchAll(/\r\n|\r|\n/g).map((end) => end.index + end[0].length)];
    this.#keys = keys;
    this.#sections = new Set([...keys.keys()].flatMap(sectionsOf));
  }

  read(): void {
    try {
      this.#readEvents(this.#parse());
    } catch (thrown) {
      this.#addFault(thrown, "", 0);
    }
  }

  /** What the parser finds in the text without the parts of it that it refuses, which are told. */
  #parse(): readonly Event[] {
    let text = this.#text;
    const parts = outermostPairs(text, this.#lineStarts);
    for (let faults = 0; faults < maxFaults; faults++) {
      try {
        return parseEvents(text, {});
      } catch (thrown) {
        this.#addFault(thrown, "", 0);
        // The parser may have met it only after the part that is to blame.
        const part = parts.find(({ start, end }) => !isMapping(text.slice(start, end)));
        if (part === undefined) break;
        parts.splice(0, parts.indexOf(part) + 1);
        text = commentOut(text, part);
      }
    }
    return [];
  }

  /** Tells of an exception of the parser; it stands at the offset, or where the parser says if that is later. */
  #addFault(thrown: unknown, path: string, offset: number): void {
    if (!(thrown instanceof YAMLException)) throw thrown;
    const { mark, reason } = thrown;
    const clearer = faultTexts.find(([beginning]) => reason.startsWith(beginning));
    this.#addProblem(Math.max(mark?.position ?? 0, offset), path, clearer?.[1] ?? reason);
  }

  /** Reads what the parser found. Throws an exception of its kind where aliases stand for too much. */
  #readEvents(events: readonly Event[]): void {
    if (events.length === 0) return;
    this.#unfoldAliases(events);
    this.#next = 1;
    this.#readSection("", 0);
    // What is left is the end of the document, and the next document.
    if (this.#next + 1 === this.#events.length) return;
    const marker = /^---(?=\s|$)/gm;
    const read = this.#starts.slice(0, this.#next);
    marker.lastIndex = read.findLast((start) => start !== undefined) ?? 0;
    const at = marker.exec(this.#text)?.index ?? this.#starts[this.#next + 2] ?? this.#text.length;
    this.#addProblem(at, "", "a second YAML document begins here: one is allowed");
  }

  #unfoldAliases(events: readonly Event[]): void {
    const anchors = new Map<string, { readonly start: number; readonly end: number }>();
    const open: { readonly anchor: string; readonly start: number }[] = [];
    const isWhole = this.problems.length === 0;
    let aliasedEvents = 0;
    for (const event of events) {
      if (event.type === EVENT_ID.ALIAS) {
        const offset = event.anchorStart - 1;
        const content = anchors.get(anchorOf(this.#text, event));
        if (content === undefined) {
          // The anchor may stand where the text is refused.
          if (isWhole) {
            this.#addProblem(offset, "", "an alias without an anchor that ends before it");
          }
          this.#add(event, offset);
          continue;
        }
        aliasedEvents += content.end - content.start;
        if (aliasedEvents > maxAliasedEvents) {
          YAMLException.throwAt(this.#text, offset, "far too much comes of aliases");
        }
        for (let at = content.start; at < content.end; at++) this.#add(this.#events[at]!, offset);
        continue;
      }
      const start = this.#events.length;
      this.#add(event, startOf(this.#text, event));
      if (event.type === EVENT_ID.POP) {
        const opened = open.pop()!;
        anchors.set(opened.anchor, { start: opened.start, end: start + 1 });
      } else {
        const anchor = event.type === EVENT_ID.DOCUMENT ? "" : anchorOf(this.#text, event);
        if (event.type === EVENT_ID.SCALAR) anchors.set(anchor, { start, end: start + 1 });
        else open.push({ anchor, start });
      }
    }
  }

  #add(event: Event, start: number | undefined): void {
    this.#events.push(event);
    this.#starts.push(start);
  }

  #addProblem(offset: number, path: string, message: string): void {
    this.problems.push({ ...this.#positionOf(offset), path, message });
  }

  #readSection(section: string, offset: number): void {
    const event = this.#events[this.#next]!;
    if (event.type === EVENT_ID.MAPPING) {
      if (event.tagStart >= 0) this.#addProblem(event.tagStart, section, tagRefused);
      this.#next++;
      while (this.#events[this.#next]!.type !== EVENT_ID.POP) this.#readPair(section, offset);
      this.#next++;
    } else if ((this.#takeValue(section, offset) ?? null) !== null) {
      const subject = section === "" ? "the text" : section;
      this.#addProblem(offset, section, `${subject} is not a mapping of keys to values`);
    }
  }

  #readPair(section: string, sectionAt: number): void {
    const keyEvent = this.#events[this.#next]!;
    const keyStart = this.#starts[this.#next];
    this.#skip();
    const keyAt = keyStart ?? this.#starts[this.#next] ?? sectionAt;
    if (keyEvent.type !== EVENT_ID.SCALAR) return this.#refusePair(keyAt, section, notAText);
    if (keyEvent.tagStart >= 0) return this.#refusePair(keyAt, section, tagRefused);
    const word = getScalarValue(this.#text, keyEvent);
    const written = section === "" ? word : `${section}.${word}`;
    const key = this.#sections.has(written) ? written : this.#keys.get(written);
    if (key === undefined) {
      const message = `${showKey(written)} is not a known key${this.#guessKey(word, section)}`;
      return this.#refusePair(keyAt, written, message);
    }
    const first = this.positions.get(key);
    if (first !== undefined) {
      const message = `${written} is set twice, first in line ${first.line}`;
      return this.#refusePair(keyAt, key, message);
    }
    const valueAt = this.#starts[this.#next] ?? keyAt;
    this.positions.set(key, this.#positionOf(valueAt));
    if (this.#sections.has(key)) this.#readSection(key, valueAt);
    else this.#readValue(key, valueAt);
  }

  /** Tells what is wrong with a key and moves past its value. */
  #refusePair(keyAt: number, path: string, message: string): void {
    this.#addProblem(keyAt, path, message);
    this.#skip();
  }

  #readValue(key: string, valueAt: number): void {
    this.#markItems(key, valueAt);
    const value = this.#takeValue(key, valueAt);
    if (value !== undefined) this.values.set(key, value);
  }

  /** Notes where the items stand of a list or a mapping that comes next. */
  #markItems(key: string, valueAt: number): void {
    const { type } = this.#events[this.#next]!;
    if (type !== EVENT_ID.SEQUENCE && type !== EVENT_ID.MAPPING) return;
    let at = this.#next + 1;
    for (let index = 0; this.#events[at]!.type !== EVENT_ID.POP; index++) {
      const event = this.#events[at]!;
      const isNamed = type === EVENT_ID.MAPPING && event.type === EVENT_ID.SCALAR;
      const name = isNamed ? getScalarValue(this.#text, event) : index;
      this.positions.set(valuePath([key, name]), this.#positionOf(this.#starts[at] ?? valueAt));
      if (type === EVENT_ID.MAPPING) at = this.#endOf(at);
      at = this.#endOf(at);
    }
  }

  /** Moves past the next value and returns it as plain data; undefined: it has a problem, which is told. */
  #takeValue(path: string, valueAt: number): unknown {
    const start = this.#next;
    this.#skip();
    const [document] = this.#events as [Event];
    const content = this.#events.slice(start, this.#next);
    // It stands for nothing, which has been told.
    if (content.some(({ type }) => type === EVENT_ID.ALIAS)) return undefined;
    try {
      const events = [document, ...content, { type: EVENT_ID.POP }];
      return constructFromEvents(events, { source: this.#text, schema: CORE_SCHEMA })[0];
    } catch (thrown) {
      this.#addFault(thrown, path, valueAt);
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
      else if (type !== EVENT_ID.SCALAR && type !== EVENT_ID.ALIAS) depth++;
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

/** The parts of a text that is a block mapping, each from a key of it to the next one; else none. */
function outermostPairs(text: string, lineStarts: readonly number[]): Part[] {
  const starts = lineStarts.filter((start) => /[\p{L}\d_"']/u.test(text.charAt(start)));
  const before = text.slice(0, starts[0]);
  if (before.replaceAll(/^---|#.*/gm, "").trim() !== "") return [];
  return starts.map((start, index) => ({ start, end: starts[index + 1] ?? text.length }));
}

function isMapping(text: string): boolean {
  try {
    return parseEvents(text, {})[1]?.type === EVENT_ID.MAPPING;
  } catch {
    return false;
  }
}

/** The text with the part as a comment, so that all else stays where it is. */
function commentOut(text: string, { start, end }: Part): string {
  return text.slice(0, start) + text.slice(start, end).replaceAll(/[^\r\n]/g, "#") +
    text.slice(end);
}

/** Where a key or value begins in the text; undefined: it is empty. */
function startOf(text: string, event: Event): number | undefined {
  if (event.type === EVENT_ID.SEQUENCE || event.type === EVENT_ID.MAPPING) return event.start;
  if (event.type !== EVENT_ID.SCALAR || event.valueStart < 0) return undefined;
  switch (event.style) {
    case SCALAR_STYLE.LITERAL_BLOCK:
      return text.lastIndexOf("|", event.valueStart - 1);
    case SCALAR_STYLE.FOLDED_BLOCK:
      return text.lastIndexOf(">", event.valueStart - 1);
    case SCALAR_STYLE.PLAIN:
      return event.valueStart;
    default:
      // The quote before it.
      return event.valueStart - 1;
  }
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
