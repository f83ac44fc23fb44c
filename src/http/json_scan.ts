// Looks at JSON before and beside JSON.parse: how deep it is and how many values it has, while its bytes
// arrive, and which of its numbers would be changed. Called by src/http/request_body.ts. It judges no
// grammar: JSON.parse does, and refuses what this misreads.

import { type ErrorDetail, ValetError } from "../errors.ts";
import { valuePath } from "../value_path.ts";

/** The bounds of a JSON text: parsing costs time and memory by values, not by bytes. */
export interface JsonLimits {
  /** Arrays and objects within each other; the outermost one counts. */
  readonly maxLevels: number;
  /** Texts, numbers, arrays and so on, at any depth; keys do not count. */
  readonly maxValues: number;
}

/** Looks at the next bytes of a text; throws ValetError `invalid_argument` as soon as a bound is passed. */
export type JsonCounter = (bytes: Uint8Array) => void;

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const space = 0x20;

/** Makes the counter of one text, which may come in any parts. */
export function createJsonCounter({ maxLevels, maxValues }: JsonLimits): JsonCounter {
  let levels = 0;
  let values = 0;
  let place: "between" | "literal" | "text" | "escape" = "between";

  function countValue(): void {
    values++;
    if (values > maxValues) throw refuse(`it has more than the ${maxValues} values allowed`);
  }

  return (bytes) => {
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index]!;
      if (place === "escape") {
        place = "text";
        continue;
      }
      if (place === "text") {
        if (byte === backslash) place = "escape";
        else if (byte === quote) place = "between";
        continue;
      }
      switch (byte) {
        case quote:
          place = "text";
          countValue();
          break;
        case openBracket:
        case openBrace:
          place = "between";
          countValue();
          levels++;
          if (levels > maxLevels) {
            throw refuse(`it is nested deeper than the ${maxLevels} levels allowed`);
          }
          break;
        case closeBracket:
        case closeBrace:
          place = "between";
          levels--;
          break;
        case colon:
          // What came before it was a key.
          place = "between";
          values--;
          break;
        case comma:
          place = "between";
          break;
        default:
          if (byte <= space) place = "between";
          else if (place === "between") {
            place = "literal";
            countValue();
          }
      }
    }
  };
}

function refuse(problem: string): ValetError {
  return new ValetError("invalid_argument", `Cannot read the body: ${problem}`);
}

/** What every number has that a double may change; a text may have it, too. */
const suspicious = /\d{16}|\d[eE][+-]?\d{3}/;
const literalEnd = /[^\d.eE+-]/g;
/** The bounds of an answer. */
const maxFound = 100;
const maxShownLength = 64;

/**
 * The numbers of a valid JSON text that it would not keep: an integer that is another one once read and written, and one
 * that is too large for a double or so small that it becomes 0. At most 100 of them, each with its path
 * (`task_params.rows[1].n`), in the order of the text.
 */
export function findChangedNumbers(text: string): ErrorDetail[] {
  const found: ErrorDetail[] = [];
  // Nearly every text ends here.
  if (!suspicious.test(text)) return found;
  /** Of the containers around the place: the last key (its JSON text) of an object, the index of an array. */
  const trail: (string | number)[] = [];
  let lastText = "";
  for (let index = 0; index < text.length && found.length < maxFound;) {
    const character = text.charAt(index);
    if (character === '"') {
      const end = endOfText(text, index);
      lastText = text.slice(index, end);
      index = end;
      continue;
    }
    if (character === "-" || (character >= "0" && character <= "9")) {
      literalEnd.lastIndex = index;
      const end = literalEnd.exec(text)?.index ?? text.length;
      const message = problemOf(text.slice(index, end));
      if (message !== undefined) found.push({ path: pathOf(trail), message });
      index = end;
      continue;
    }
    if (character === "{") trail.push("");
    else if (character === "[") trail.push(0);
    else if (character === "}" || character === "]") trail.pop();
    else if (character === ":") trail[trail.length - 1] = lastText;
    else if (character === ",") {
      const last = trail.at(-1);
      if (typeof last === "number") trail[trail.length - 1] = last + 1;
    }
    index++;
  }
  return found;
}

/** Where the text ends that begins there, behind its closing quote. */
function endOfText(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  for (; end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  return text.length;
}

function problemOf(literal: string): string | undefined {
  const value = Number(literal);
  if (!Number.isFinite(value)) {
    return `is ${shown(literal)}, which is too large for a number; send it as a text`;
  }
  if (value === 0 && /[1-9]/.test(literal.split(/e/i)[0]!)) {
    return `is ${shown(literal)}, which is too small for a number; send it as a text`;
  }
  if (Number.isSafeInteger(value) || !/^-?\d+$/.test(literal)) return undefined;
  const written = writtenInteger(value);
  if (BigInt(literal) === written) return undefined;
  return `is ${shown(literal)}, which would become ${written}; send it as a text`;
}

/**
 * The integer that JSON.stringify writes for a large one. It is not always what the double is equal to:
 * 46485882109906970 comes back as the same digits, though the double lies 2 below.
 */
function writtenInteger(value: number): bigint {
  const [digits, exponent = "0"] = String(value).split("e+");
  const [whole, fraction = ""] = digits!.split(".");
  return BigInt(whole + fraction) * 10n ** BigInt(Number(exponent) - fraction.length);
}

function shown(literal: string): string {
  if (literal.length <= maxShownLength) return literal;
  return `${literal.slice(0, maxShownLength)}... (${literal.length} characters)`;
}

function pathOf(trail: readonly (string | number)[]): string {
  return valuePath(trail.map((part) => typeof part === "number" ? part : String(JSON.parse(part))));
}
