// Parses CSV with csv-parse: at once, and as a stream.

import { parse } from "csv-parse";
import { parse as parseSync } from "csv-parse/sync";
import { Readable } from "node:stream";

/** Params: the `csv`. */
export default async function run({ csv }: { csv: string }) {
  const options = { columns: true, cast: true, trim: true, delimiter: ";" };
  let streamed = 0;
  for await (const _record of Readable.from([csv]).pipe(parse(options))) streamed++;
  return { records: parseSync(csv, options), streamed };
}
