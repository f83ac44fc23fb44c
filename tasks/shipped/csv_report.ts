// Reads a CSV and reports its columns: their types, ranges, means and how many different values they
// have. It streams, so the size of the CSV does not matter, and it pauses, so that a timeout can end it.

import * as v from "valibot";
import { defineTask, type TaskContext, type TaskDefinition } from "../../src/tasks/task.ts";
import { findDialect, findHeaderEnd } from "./csv_dialect.ts";
import { CsvTable, maxRowBytes, type Place, type TableReport } from "./csv_table.ts";
import { readText } from "./csv_text.ts";
import { httpUrl, problemOfCredentials, showUrl } from "./http_url.ts";

const params = v.pipe(
  v.strictObject({
    csv: v.optional(v.string()),
    url: v.optional(httpUrl),
    /** Default: the one that the CSV names or that its header has. */
    delimiter: v.optional(
      v.pipe(
        v.string(),
        v.minLength(1),
        v.maxLength(8),
        v.regex(/^[^"\r\n]*$/, "has a quote or a line break, which cannot be a delimiter"),
      ),
    ),
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const { csv, url, delimiter } = dataset.value;
    if (csv !== undefined && url === undefined) return { csv, delimiter };
    const problem = url !== undefined && csv === undefined
      ? problemOfCredentials(url)
      : "needs exactly one of csv and url";
    if (problem === undefined) return { url: url!, delimiter };
    addIssue({ message: problem });
    return NEVER;
  }),
);

/** How long it works before it lets the signal in, in milliseconds. */
const workMs = 20;
/** How much it reads between two looks at the clock: a few milliseconds of work. */
const pieceBytes = 64 * 1024;

/** What the task returns. */
interface Report extends TableReport {
  /** What separates the fields. */
  readonly delimiter: string;
}

/** A CSV, before it is read. */
interface Source {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly contentType: string | undefined;
}

const csvReport: TaskDefinition = defineTask({
  params,
  timeout: { minutes: 5 },
  async run(request, context): Promise<Report> {
    const { bytes, contentType } = "csv" in request
      ? { bytes: new Blob([request.csv]).stream(), contentType: undefined }
      : await openUrl(request.url, context);
    const texts = readText(pausedPieces(bytes, context.signal), contentType);
    try {
      return await reportColumns(texts, request.delimiter, context);
    } finally {
      await texts.return(undefined);
    }
  },
});

/** The task `csv_report`. */
export default csvReport;

async function openUrl(url: string, context: TaskContext): Promise<Source> {
  // Imported here, so that a worker pays for it only when it fetches a CSV.
  const { sendRequest } = await import("./http_client.ts");
  const { body, close, headers, status } = await sendRequest(
    { method: "GET", url, redirect: "follow" },
    context,
  );
  const isFine = status >= 200 && status < 300;
  const encoding = headers["content-encoding"];
  if (isFine && encoding === undefined) {
    return { bytes: body, contentType: headers["content-type"] };
  }
  close();
  const what = isFine
    ? `with content-encoding ${encoding}, which cannot be decompressed`
    : `${status}, expected a CSV`;
  throw new Error(`GET ${showUrl(url)} answered ${what}`);
}

async function reportColumns(
  texts: AsyncGenerator<string>,
  wanted: string | undefined,
  context: TaskContext,
): Promise<Report> {
  let start = "";
  while (start.length <= maxRowBytes) {
    const { done, value } = await texts.next();
    if (done) break;
    start += value;
    // The whole start is looked through again, so not for every small piece.
    if (value.includes("\n") && findHeaderEnd(start) !== -1) break;
  }
  const { delimiter, skippedLength } = findDialect(start, wanted);
  const table = new CsvTable(delimiter, skippedLength > 0 ? 1 : 0, context.log);
  // Imported here, so that a worker pays for it only when it reads a CSV.
  const { CsvError, parse } = await import("csv-parse/stream");
  const parser = parse({
    delimiter,
    max_record_size: maxRowBytes,
    record_delimiter: "\n",
    relax_column_count: true,
    skip_empty_lines: true,
    // Rows are counted here and not passed on: a stream of rows would cost more than reading them.
    on_record(row: string[], place: Place): null {
      table.add(row, place);
      return null;
    },
  });
  async function* rest(): AsyncGenerator<string> {
    yield start.slice(skippedLength);
    yield* texts;
  }
  try {
    const pieces = ReadableStream.from(rest()).pipeThrough(new TextEncoderStream());
    await pieces.pipeThrough(parser).pipeTo(new WritableStream());
  } catch (thrown) {
    throw thrown instanceof CsvError ? table.problem(thrown) : thrown;
  }
  return { delimiter, ...table.report() };
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
