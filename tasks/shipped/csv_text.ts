// From the bytes of a CSV to its text, in pieces. Nothing is replaced: bytes that are no text in their charset
// are an error with their place.

import { charsetOf } from "./charset.ts";

/** Of a byte order mark. */
const longestMarkBytes = 3;

/**
 * The text with "\n" for every line end, in quoted fields too, and without its byte order mark.
 *
 * @throws Error that names the line and the byte of what is no text in its charset.
 */
export async function* readText(
  pieces: AsyncIterable<Uint8Array>,
  contentType: string | undefined,
): AsyncGenerator<string> {
  let decoder: StrictDecoder | undefined;
  let rest: Uint8Array = new Uint8Array();
  for await (const piece of pieces) {
    const bytes = join(rest, piece);
    rest = bytes;
    if (decoder === undefined && bytes.length < longestMarkBytes) continue;
    decoder ??= new StrictDecoder(charsetOf(bytes, contentType));
    const length = wholeLength(bytes);
    rest = bytes.subarray(length);
    yield decoder.decode(bytes.subarray(0, length), false);
  }
  decoder ??= new StrictDecoder(charsetOf(rest, contentType));
  yield decoder.decode(rest, true);
}

function join(head: Uint8Array, tail: Uint8Array): Uint8Array {
  if (head.length === 0) return tail;
  const bytes = new Uint8Array(head.length + tail.length);
  bytes.set(head);
  bytes.set(tail, head.length);
  return bytes;
}

/** Without the last character if it may go on: a piece that begins with a whole one tells where a wrong one does. */
function wholeLength(bytes: Uint8Array): number {
  for (let length = bytes.length - 1; length >= 0 && length >= bytes.length - 3; length--) {
    if (bytes[length]! >= 0xc0) return length;
  }
  return bytes.length;
}

/** Decodes pieces, which may end between the two characters of a line end. */
class StrictDecoder {
  readonly #decoder: TextDecoder;
  /** As the decoder was before the present piece: with it the wrong byte is found. */
  readonly #behind: TextDecoder;
  #byteCount = 0;
  #lineCount = 0;
  /** A "\r" at the end of a piece: what follows may be its "\n". */
  #held = "";

  constructor(charset: string) {
    this.#decoder = new TextDecoder(charset, { fatal: true });
    this.#behind = new TextDecoder(charset, { fatal: true });
  }

  decode(bytes: Uint8Array, isLast: boolean): string {
    let text = this.#held;
    try {
      text += this.#decoder.decode(bytes, { stream: !isLast });
    } catch {
      throw this.#problem(bytes);
    }
    if (!isLast) this.#behind.decode(bytes, { stream: true });
    this.#byteCount += bytes.length;
    this.#held = !isLast && text.endsWith("\r") ? "\r" : "";
    const clean = withLineEnds(this.#held === "" ? text : text.slice(0, -1));
    this.#lineCount += countLines(clean);
    return clean;
  }

  #problem(bytes: Uint8Array): Error {
    let text = this.#held;
    let from = 0; // Where the character begins, in UTF-8.
    try {
      for (let at = 0; at < bytes.length; at++) {
        const decoded = this.#behind.decode(bytes.subarray(at, at + 1), { stream: true });
        if (decoded !== "") from = at + 1;
        text += decoded;
      }
    } catch {
      // Here it is.
    }
    const line = this.#lineCount + countLines(withLineEnds(text)) + 1;
    const charset = this.#decoder.encoding.toUpperCase();
    const byte = bytes[from];
    const what = byte === undefined
      ? "it ends within a character"
      : `byte ${this.#byteCount + from + 1} is 0x${byte.toString(16).padStart(2, "0")}`;
    const hint = charset === "UTF-8"
      ? "; let the server name its charset, as in content-type: text/csv; charset=windows-1252"
      : "";
    return new Error(`Cannot read the CSV: line ${line} is not ${charset}: ${what}${hint}`);
  }
}

function withLineEnds(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
