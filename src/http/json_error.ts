// Says where a text stops being JSON, because the runtime's own message often does not.
// Called by src/http/request_body.ts, only for a text that JSON.parse has refused.

/** A mark, or a string, or another scalar; space before it is skipped. */
const token = new RegExp(
  String.raw`[ \t\n\r]*(?:([{}[\],:])` +
    String.raw`|("[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*")` +
    String.raw`|(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-]))`,
  "y",
);

/** What may come next: `next` is a comma or the closing mark of what is open. */
type Expected = "value" | "value or ]" | "key" | "key or }" | "colon" | "next" | "end";

/** Where a text stops being JSON and at what; the position counts UTF-16 units from 0. */
export function findJsonError(text: string): string {
  const open: string[] = [];
  let expected: Expected | undefined = "value";
  let position = 0;
  for (;;) {
    token.lastIndex = position;
    const match = token.exec(text);
    expected = match === null ? undefined : afterToken(expected, match[1] ?? match[2]?.[0], open);
    if (expected === undefined) break;
    position = token.lastIndex;
  }
  while (" \t\n\r".includes(text.charAt(position)) && position < text.length) position++;
  const found = position < text.length
    ? JSON.stringify(String.fromCodePoint(text.codePointAt(position)!))
    : "end";
  return `unexpected ${found} at position ${position}`;
}

/** What may follow a token (a mark, `"` for a string, undefined for another scalar); undefined: wrong. */
function afterToken(
  expected: Expected,
  mark: string | undefined,
  open: string[],
): Expected | undefined {
  const isValueDue = expected === "value" || expected === "value or ]";
  const isKeyDue = expected === "key" || expected === "key or }";
  const isNextDue = expected === "next";
  switch (mark) {
    case "{":
    case "[":
      if (!isValueDue) return undefined;
      open.push(mark);
      return mark === "{" ? "key or }" : "value or ]";
    case "}":
      if (expected !== "key or }" && !(isNextDue && open.at(-1) === "{")) return undefined;
      open.pop();
      break;
    case "]":
      if (expected !== "value or ]" && !(isNextDue && open.at(-1) === "[")) return undefined;
      open.pop();
      break;
    case ",":
      if (!isNextDue) return undefined;
      return open.at(-1) === "{" ? "key" : "value";
    case ":":
      return expected === "colon" ? "value" : undefined;
    default:
      if (mark === '"' && isKeyDue) return "colon";
      if (!isValueDue) return undefined;
  }
  return open.length === 0 ? "end" : "next";
}
