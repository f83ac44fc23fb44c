// Parses and writes CSV with papaparse: at once, and a stream of rows.

import Papa from "papaparse";
import { Readable } from "node:stream";

/** Params: the `csv`. */
export default async function run({ csv }: { csv: string }) {
  const { data, meta } = Papa.parse(csv, { header: true, dynamicTyping: true });
  let streamed = 0;
  const rows = Readable.from([csv]).pipe(Papa.parse(Papa.NODE_STREAM_INPUT, { header: true }));
  for await (const _row of rows) streamed++;
  return { data, delimiter: meta.delimiter, streamed, written: Papa.unparse(data) };
}
