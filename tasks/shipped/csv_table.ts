// The rows of a CSV as csv_report counts them, and what is wrong with them in words.

import type { CsvError } from "csv-parse/stream";
import type { TaskLog } from "../../src/tasks/task.ts";
import { type ColumnReport, ColumnSummary } from "./column_summary.ts";
import { betterDelimiter, showDelimiter } from "./csv_dialect.ts";

/** The longest row: beyond it a quote was surely left open. */
export const maxRowBytes: number = 1024 * 1024;
const maxColumnCount = 1000;

/** Where the parser is: the line that it reads, and how many lines before it were empty. */
export interface Place {
  readonly lines: number;
  readonly empty_lines: number;
}

/** What is known of a table. */
export interface TableReport {
  /** Without the one that names the columns, and without rows that are empty. */
  readonly rows: number;
  readonly columns: ColumnReport[];
}

/** The rows so far. */
export class CsvTable {
  readonly #delimiter: string;
  readonly #skippedLines: number;
  readonly #log: TaskLog;
  #header: string[] = [];
  #columns: ColumnSummary[] | undefined;
  #rowCount = 0;
  /** The end of the last row. */
  #place: Place = { lines: 0, empty_lines: 0 };

  /** `skippedLines`: lines before the first that the parser sees. */
  constructor(delimiter: string, skippedLines: number, log: TaskLog) {
    this.#delimiter = delimiter;
    this.#skippedLines = skippedLines;
    this.#log = log;
  }

  /** Takes the next row; the first one with something in it names the columns. */
  add(row: string[], place: Place): void {
    this.#place = { lines: place.lines, empty_lines: place.empty_lines };
    // Spreadsheets write such rows for empty ones.
    if (row.every((value) => value.trim() === "")) return;
    if (this.#columns === undefined) return this.#addHeader(row);
    if (row.length !== this.#columns.length) throw this.#raggedRow(row);
    this.#rowCount++;
    for (const [index, column] of this.#columns.entries()) column.add(row[index]!);
  }

  /** The report of the rows so far. */
  report(): TableReport {
    const columns = (this.#columns ?? []).map((column) => column.report());
    return { rows: this.#rowCount, columns };
  }

  /** What the parser found, in our words. */
  problem(error: CsvError): Error {
    const place = error as unknown as Place;
    const line = place.lines + this.#skippedLines;
    const emptyLines = place.empty_lines - this.#place.empty_lines;
    const first = this.#place.lines + emptyLines + 1 + this.#skippedLines;
    switch (error.code as string) {
      case "CSV_QUOTE_NOT_CLOSED":
        return problemOf(`the row that begins in line ${first} has a quote that is not closed`);
      case "CSV_MAX_RECORD_SIZE":
        return problemOf(
          `the row that begins in line ${first} is longer than ${maxRowBytes} bytes; ` +
            "is a quote not closed?",
        );
      case "CSV_INVALID_CLOSING_QUOTE":
        return problemOf(
          `line ${line} has text behind a closing quote; write a quote inside quotes twice`,
        );
      case "INVALID_OPENING_QUOTE":
        return problemOf(
          `line ${line} has a quote inside a field without quotes; put the field in quotes, and ` +
            "write the quote inside it twice",
        );
      default:
        return problemOf(`${error.message} (line ${line})`);
    }
  }

  #addHeader(row: string[]): void {
    if (row.length > maxColumnCount) {
      throw problemOf(`it has ${row.length} columns; at most ${maxColumnCount} are allowed`);
    }
    this.#header = row;
    this.#columns = row.map((name) => new ColumnSummary(name.trim()));
    const hint = this.#hint(row);
    if (row.length === 1 && hint !== "") this.#log.warn(`the CSV has one column${hint}`);
  }

  #raggedRow(row: readonly string[]): Error {
    const breaks = row.reduce((count, value) => count + value.split("\n").length - 1, 0);
    const line = this.#place.lines - breaks + this.#skippedLines;
    const fields = `${row.length} field${row.length === 1 ? "" : "s"}`;
    return problemOf(
      `line ${line} has ${fields}, the header has ${this.#header.length}${this.#hint(row)}`,
    );
  }

  #hint(row: readonly string[]): string {
    const better = betterDelimiter(this.#header, row, this.#delimiter);
    return better === undefined ? "" : `; use delimiter ${showDelimiter(better)}?`;
  }
}

function problemOf(reason: string): Error {
  return new Error(`Cannot read the CSV: ${reason}`);
}
