// Bounds what an error or a log repeats of a text from outside.

/** The text, or its beginning and `...` if it is longer than that many characters. */
export function cutText(text: string, maxLength: number): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}...`;
}
