// Makes any text safe to stand in a log line: quoted, bounded, without controls, without passwords.
// Called by src/log/line.ts and src/http/access_log.ts. Pure.

/** The longest message or value, in characters as written; `...` marks what was cut off. */
const maxTextLength = 4096;
const cutMark = "...";

/** Printable ASCII but the quote and the backslash: a JSON string as it stands. */
const plainInJson = /^[ !#-[\]-~]*$/;
/** The same without the space and the equals sign: needs no quotes in a text line. */
const plainInText = /^[!#-<>-[\]-~]+$/;
/** What JSON leaves as it is but a terminal or a reader of lines acts on: controls, line breaks, text direction. */
const unsafeInJson = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** The text as a JSON string. */
export function quoteText(text: string): string {
  if (text.length <= maxTextLength && plainInJson.test(text)) return `"${text}"`;
  let kept = text.length > maxTextLength ? text.slice(0, maxTextLength) + cutMark : text;
  let quoted = escapeUnsafe(JSON.stringify(kept));
  while (quoted.length > maxTextLength + '""'.length + cutMark.length) {
    kept = kept.slice(0, kept.length >> 1) + cutMark;
    quoted = escapeUnsafe(JSON.stringify(kept));
  }
  return quoted;
}

/** The text as it is if it is one plain word, else quoted: a value in a text line. */
export function quoteUnlessPlain(text: string): string {
  return text.length <= maxTextLength && plainInText.test(text) ? text : quoteText(text);
}

/** The text with its unsafe characters escaped, without quotes: a message in a text line. */
export function escapeText(text: string): string {
  const isPlain = text.length <= maxTextLength && !unsafe.test(text);
  return isPlain ? text : quoteText(text).slice(1, -1);
}

/** Any value as JSON; what JSON cannot express becomes a string that says what it was. */
export function formatJson(value: unknown): string {
  if (Number.isFinite(value) || typeof value === "boolean") return String(value);
  try {
    const json = JSON.stringify(value, safeMember);
    if (json === undefined) return quoteText(String(value));
    return json.length <= maxTextLength ? escapeUnsafe(json) : quoteText(json);
  } catch (error) {
    return quoteText(`[not JSON: ${error}]`);
  }
}

/** Masks the passwords in texts such as `amqp://user:password@host` and `user:password@tcp(host)/db`. */
export function redactSecrets(text: string): string {
  return text.includes("@") ? text.replace(/\S+/g, redactWord) : text;
}

/** In time that grows with the length: a client may have written the word, and the server waits for it. */
function redactWord(word: string): string {
  const uri = mask(word, /:\/\/[^:/@]*:/, word.lastIndexOf("@"));
  return mask(uri, /[^:/@"'=(]:(?!\/\/)/, lastAddressAt(uri));
}

/** Masks what stands between that beginning and that @. */
function mask(word: string, beginning: RegExp, at: number): string {
  const match = at === -1 ? null : beginning.exec(word);
  if (match === null) return word;
  const start = match.index + match[0].length;
  return start <= at ? `${word.slice(0, start)}***${word.slice(at)}` : word;
}

/** Where the last @ is that an address follows, such as `tcp(` or `host/`; -1: nowhere. */
function lastAddressAt(word: string): number {
  const address = /\w*[(/]/y;
  let at = word.lastIndexOf("@");
  for (; at !== -1; at = at === 0 ? -1 : word.lastIndexOf("@", at - 1)) {
    address.lastIndex = at + 1;
    if (address.test(word)) break;
  }
  return at;
}

function safeMember(_key: string, value: unknown): unknown {
  if (typeof value === "string") return redactSecrets(value);
  if (typeof value === "bigint") return String(value);
  if (value instanceof Error) return redactSecrets(String(value));
  return value;
}

function escapeUnsafe(json: string): string {
  return json.replace(unsafeInJson, (character) => {
    return "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0");
  });
}
