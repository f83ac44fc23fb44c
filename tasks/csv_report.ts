// Reads a CSV and reports its columns: their types, ranges, means and how many different values they
// have. It streams, so the size of the CSV does not matter, and it pauses, so that a timeout can end it.

import * as v from "valibot";
import { defineTask, type Task, type TaskContext } from "../src/tasks/task.ts";
import { type ColumnReport, ColumnSummary } from "./column_summary.ts";
import { httpUrl, problemOfCredentials, showUrl } from "./http_url.ts";

const params = v.pipe(
  v.strictObject({
    csv: v.optional(v.string()),
    url: v.optional(httpUrl),
    delimiter: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(8)), ","),
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const { csv, url, delimiter } = dataset.value;
    if (csv !== undefined && url === undefined) return { csv, delimiter };
    const problem = url !== undefined && csv === undefined
      ? problemOfCredentials(url)
      : "exactly one of csv and url must be given";
    if (problem === undefined) return { url: url!, delimiter };
    addIssue({ message: problem });
    return NEVER;
  }),
);

/** How long it works before it lets the signal in, in milliseconds. */
const workMs = 20;
/** How much it reads between two looks at the clock: a few milliseconds of work. */
const pieceBytes = 64 * 1024;
/** The longest row: beyond it a quote was surely left open. */
const maxRowBytes = 1024 * 1024;
const maxColumnCount = 1000;

/** What the task returns. */
interface Report {
  /** Without the first row, which names the columns, and without empty lines. */
  readonly rows: number;
  readonly columns: ColumnReport[];
}

/** The task `csv_report`. */
export const csvReport: Task = defineTask({
  params,
  timeout: { minutes: 5 },
  permissions: { net: true },
  async run(request, context): Promise<Report> {
    const source = "csv" in request
      ? new Blob([request.csv]).stream()
      : await openUrl(request.url, context);
    return await reportColumns(source, request.delimiter, context.signal);
  },
});

async function openUrl(url: string, context: TaskContext): Promise<AsyncIterable<Uint8Array>> {
  // Imported here, so that a worker pays for it only when it fetches a CSV.
  const { sendRequest } = await import("./http_client.ts");
  const { body, close, headers, status } = await sendRequest(
    { method: "GET", url, redirect: "follow" },
    context,
  );
  const encoding = headers["content-encoding"];
  if (status >= 200 && status < 300 && encoding === undefined) return body;
  close();
  const what = status >= 200 && status < 300
    ? `with content-encoding ${encoding}, which cannot be decompressed`
    : `${status}, expected a CSV`;
  throw new Error(`GET ${showUrl(url)} answered ${what}`);
}

async function reportColumns(
  source: AsyncIterable<Uint8Array>,
  delimiter: string,
  signal: AbortSignal,
): Promise<Report> {
  // Imported here, so that a worker pays for it only when it reads a CSV.
  const { CsvError, parse } = await import("csv-parse/stream");
  let columns: ColumnSummary[] | undefined;
  let rowCount = 0;
  const parser = parse({
    bom: true,
    delimiter,
    max_record_size: maxRowBytes,
    skip_empty_lines: true,
    // Rows are counted here and not passed on: a stream of rows would cost more than reading them.
    on_record(row: string[]): null {
      if (columns === undefined) {
        columns = createColumns(row);
      } else {
        rowCount++;
        for (const [index, column] of columns.entries()) column.add(row[index] ?? "");
      }
      return null;
    },
  });
  try {
    const pieces = ReadableStream.from(pausedPieces(source, signal));
    await pieces.pipeThrough(parser).pipeTo(new WritableStream());
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    throw new Error(`Cannot read the CSV: ${thrown.message}`);
  }
  return { rows: rowCount, columns: (columns ?? []).map((column) => column.report()) };
}

function createColumns(names: readonly string[]): ColumnSummary[] {
  if (names.length > maxColumnCount) {
    throw new Error(
      `Cannot read the CSV: it has ${names.length} columns; at most ${maxColumnCount} are allowed`,
    );
  }
  return names.map((name) => new ColumnSummary(name.trim()));
}

/** The bytes in pieces; now and then the event loop runs between them: an abort arrives as a message. */
async function* pausedPieces(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let pausedAtMs = performance.now();
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += pieceBytes) {
      if (performance.now() - pausedAtMs > workMs) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        pausedAtMs = performance.now();
      }
      signal.throwIfAborted();
      yield chunk.subarray(start, start + pieceBytes);
    }
  }
}
