// Turns what a task returned into the JSON text that is stored, or says why that cannot be done.
// Runs inside the worker, so that a huge or strange result never reaches the server.

/**
 * The JSON text of a task's result, "" where it returned nothing.
 *
 * @throws Error with the failure reason: a cycle, a BigInt, a function or symbol, a throwing `toJSON`, or
 * more than `maxBytes` bytes of UTF-8.
 */
export function resultJson(result: unknown, maxBytes: number): string {
  if (result === undefined) return "";
  const text = isPlain(result) ? JSON.stringify(result) : stringify(result);
  // A UTF-16 unit is one to three bytes of UTF-8: most texts need no counting.
  if (text.length * 3 > maxBytes) {
    const bytes = text.length > maxBytes ? text.length : new TextEncoder().encode(text).length;
    if (bytes > maxBytes) {
      const size = text.length > maxBytes ? `more than ${maxBytes}` : String(bytes);
      throw new Error(
        `the result is too large: ${size} bytes of JSON; worker_pool.max_result_bytes allows ${maxBytes}`,
      );
    }
  }
  return text;
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ||
    value === null;
}

function stringify(result: unknown): string {
  try {
    // A `toJSON` may answer with nothing.
    return (JSON.stringify(result, refuseFunctions) as string | undefined) ?? "";
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message.split("\n", 1)[0] : String(thrown);
    throw new Error(`the result cannot be JSON: ${why}`, { cause: thrown });
  }
}

// JSON.stringify leaves functions and symbols out without a word: a result would lose a part of itself.
function refuseFunctions(key: string, value: unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`${key === "" ? "it" : `its field "${key}"`} is a ${typeof value}`);
  }
  return value;
}
