// What csv_report says of one column, built value by value in bounded memory.

import { NumberRange } from "./number_range.ts";

/** What the values of a column are; `empty`: it has none. */
export type ColumnType = "integer" | "number" | "boolean" | "date" | "text" | "empty";

/** The summary of a column. */
export interface ColumnReport {
  /** As the first row has it. */
  readonly name: string;
  /** The narrowest type that holds all of its values. */
  readonly type: ColumnType;
  /** How many values are empty. */
  readonly empty: number;
  /** How many different values there are; absent where they were too many to count. */
  readonly distinct?: number;
  /** The count at which counting stopped. */
  readonly distinct_is_at_least?: number;
  /**
   * The least value; absent for booleans. It is a text, as written, for dates and texts, and for numbers that
   * JSON would change, such as 9007199254740993.
   */
  readonly min?: number | string;
  /** The greatest value, likewise. */
  readonly max?: number | string;
  /** Of integers and numbers. */
  readonly mean?: number;
}

const maxDistinctCount = 10_000;
/** Values take memory too: the most characters that are kept to count the different ones of a column. */
const maxDistinctLength = 1_000_000;
/** The longest text that is shown as min or max, in characters. */
const maxShownLength = 100;

const integerPattern = /^[+-]?\d+$/;
const numberPattern = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const booleanPattern = /^(?:true|false)$/i;
const datePattern =
  /^(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/** Gathers the values of one column. */
export class ColumnSummary {
  readonly #name: string;
  #type: ColumnType = "empty";
  #emptyCount = 0;
  #count = 0;
  readonly #numbers = new NumberRange();
  #minText: string | undefined;
  #maxText: string | undefined;
  readonly #distinct = new Set<string>();
  #distinctLength = 0;
  #isDistinctFull = false;

  /** A column without values yet. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Takes the next value. Space around it does not count. */
  add(rawValue: string): void {
    const value = rawValue.trim();
    if (value === "") {
      this.#emptyCount++;
      return;
    }
    this.#count++;
    if (this.#type !== "text") this.#type = join(this.#type, typeOf(value));
    if (this.#type === "integer" || this.#type === "number") this.#numbers.add(value);
    if (this.#minText === undefined || value < this.#minText) this.#minText = value;
    if (this.#maxText === undefined || value > this.#maxText) this.#maxText = value;
    this.#addDistinct(value);
  }

  /** The summary of what was added. */
  report(): ColumnReport {
    const distinct = this.#isDistinctFull
      ? { distinct_is_at_least: this.#distinct.size }
      : { distinct: this.#distinct.size };
    return {
      name: this.#name,
      type: this.#type,
      empty: this.#emptyCount,
      ...distinct,
      ...this.#range(),
    };
  }

  #range(): Pick<ColumnReport, "min" | "max" | "mean"> {
    switch (this.#type) {
      case "integer":
      case "number":
        return this.#numbers.report();
      case "date":
      case "text":
        return { min: shorten(this.#minText ?? ""), max: shorten(this.#maxText ?? "") };
      default:
        return {};
    }
  }

  #addDistinct(value: string): void {
    if (this.#isDistinctFull || this.#distinct.has(value)) return;
    if (
      this.#distinct.size === maxDistinctCount ||
      this.#distinctLength + value.length > maxDistinctLength
    ) {
      this.#isDistinctFull = true;
      return;
    }
    this.#distinct.add(value);
    this.#distinctLength += value.length;
  }
}

/** The narrowest type of the value. A leading zero makes a text, as in a postcode. */
function typeOf(value: string): ColumnType {
  if (numberPattern.test(value) && Number.isFinite(Number(value))) {
    return integerPattern.test(value) ? "integer" : "number";
  }
  if (booleanPattern.test(value)) return "boolean";
  return isDate(value) ? "date" : "text";
}

/** Whether it is an ISO 8601 date of the calendar, with or without a time. */
function isDate(value: string): boolean {
  const day = datePattern.exec(value)?.[1];
  if (day === undefined || Number.isNaN(Date.parse(value))) return false;
  // Date.parse takes February 30 for March 2.
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

/** The narrowest type that holds values of both. */
function join(a: ColumnType, b: ColumnType): ColumnType {
  if (a === "empty" || a === b) return b;
  const areNumbers = (a === "integer" || a === "number") && (b === "integer" || b === "number");
  return areNumbers ? "number" : "text";
}

function shorten(text: string): string {
  return text.length <= maxShownLength ? text : `${text.slice(0, maxShownLength)}...`;
}
