// How a CSV separates its fields: what its first line says, or else what its header looks like.

/** What spreadsheets write, the usual one first. */
const candidates = [",", ";", "\t"];

/** The dialect of a CSV. */
export interface Dialect {
  readonly delimiter: string;
  /** The length of the line `sep=;` at the beginning, which is no row. */
  readonly skippedLength: number;
}

/**
 * The dialect by the beginning of a CSV.
 *
 * @param start at least the first record, if there is one.
 * @param wanted the delimiter that counts, whatever the CSV looks like.
 */
export function findDialect(start: string, wanted?: string): Dialect {
  // Excel takes the whole line in quotes, too.
  const [line, , named] = /^("?)sep=([^\n])\1(?:\n|$)/i.exec(start) ?? [""];
  const end = findHeaderEnd(start);
  const header = start.slice(line.length, end === -1 ? undefined : end);
  const counts = candidates.map((delimiter) => countIn(header, delimiter));
  const found = candidates[counts.indexOf(Math.max(...counts))]!;
  return { delimiter: wanted ?? named ?? found, skippedLength: line.length };
}

/** Where the first record with something in it ends, -1 if that is not there yet. */
export function findHeaderEnd(start: string): number {
  const from = /^(?:"?sep=[^\n]"?\n)?\s*/i.exec(start)![0].length;
  let isQuoted = false;
  for (let at = from; at < start.length; at++) {
    if (start[at] === '"') isQuoted = !isQuoted;
    else if (start[at] === "\n" && !isQuoted) return at;
  }
  return -1;
}

/** Another delimiter that splits both rows into the same number of fields, more than one; undefined: none does. */
export function betterDelimiter(
  header: readonly string[],
  row: readonly string[],
  delimiter: string,
): string | undefined {
  return candidates.find((candidate) => {
    const count = countIn(header.join(delimiter), candidate);
    return candidate !== delimiter && count > 0 &&
      count === countIn(row.join(delimiter), candidate);
  });
}

/** A delimiter in a message. */
export function showDelimiter(delimiter: string): string {
  return `'${delimiter.replaceAll("\t", "\\t")}'`;
}

/** How often the delimiter stands outside quotes. */
function countIn(text: string, delimiter: string): number {
  return text.replace(/"[^"]*(?:"|$)/g, "").split(delimiter).length - 1;
}
