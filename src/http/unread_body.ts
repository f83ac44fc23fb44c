// Reads and drops the body of a request that was answered before its body had arrived: without that, a client
// that still sends would see a reset connection in place of the answer. Used by both listeners.

import type { BodySource } from "./body_source.ts";

/** The most that is read and dropped, and for how long. */
const maxDroppedBytes = 64 * 1024 * 1024;
const maxDropMs = 1_000;
/** What a part counts for at least: a tiny one costs more than its bytes. */
const minPartBytes = 4 * 1024;

/**
 * The same answer, which ends once the body has been read and dropped, or so much of it that the connection
 * must end. `breakOff` ends the answer then; one without a body of its own comes after that, as it is.
 */
export async function dropBodyAfter(
  response: Response,
  body: BodySource,
  headers: Headers,
  breakOff: () => void,
): Promise<Response> {
  const { status } = response;
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield* response.body!;
    if (!await dropAll(body)) breakOff();
  }
  if (response.body !== null) {
    return new Response(ReadableStream.from(parts()), { status, headers });
  }
  await dropAll(body);
  return new Response(null, { status, headers });
}

/** Whether the body has ended within the bounds. */
async function dropAll(body: BodySource): Promise<boolean> {
  let bytes = 0;
  try {
    return await body.read((part) => {
      bytes += Math.max(part.byteLength, minPartBytes);
      if (bytes > maxDroppedBytes) throw new Error("too many bytes");
    }, maxDropMs);
  } catch {
    // It is too long, or the client has gone: either way the connection ends.
    return false;
  }
}
