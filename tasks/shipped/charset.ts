// Which encoding the bytes of a text have.

const marks: readonly [charset: string, bytes: readonly number[]][] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

/**
 * The charset that the byte order mark says, else the one that the server names, as TextDecoder knows it; UTF-8
 * where there is neither, or the server names one that nobody knows.
 *
 * @param start at least the first three bytes, if there are so many.
 */
export function charsetOf(start: Uint8Array, contentType: string | undefined): string {
  for (const [charset, bytes] of marks) {
    if (bytes.every((byte, index) => start[index] === byte)) return charset;
  }
  const named = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? "")?.[1];
  try {
    return new TextDecoder(named).encoding;
  } catch {
    return "utf-8";
  }
}
