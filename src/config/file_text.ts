// Reads small files that people write: the configuration and secrets. Called by src/config/config.ts and secrets.ts.

import { errorMessage } from "../errors.ts";

const maxFileBytes = 1_048_576;

/**
 * The UTF-8 text of a file of at most 1 MiB. Reads at once and not as a stream, which takes 20 ms to load.
 *
 * @throws Deno.errors.NotFound where there is none, else an Error that says what is wrong with the file.
 */
export function readFileText(path: string): string {
  // One byte more than is allowed, so that a path such as /dev/zero ends too.
  const bytes = new Uint8Array(maxFileBytes + 1);
  let size = 0;
  try {
    using file = Deno.openSync(path);
    for (let count: number | null; (count = file.readSync(bytes.subarray(size)));) size += count;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw cause;
    throw new Error(`the file cannot be read: ${errorMessage(cause)}`, { cause });
  }
  if (size > maxFileBytes) {
    throw new Error(`the file is too large: at most ${maxFileBytes} bytes are allowed`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, size));
  } catch (cause) {
    throw new Error("the file is not UTF-8", { cause });
  }
}
