// What follows an answer that was given before its request had been read: a client that is still sending
// would see a reset connection in its place. Used by both listeners.

import type { BodySource } from "./body_source.ts";

/** What is read and dropped after such an answer. */
const maxDroppedBytes = 64 * 1024 * 1024;
const maxDropMs = 1_000;

/**
 * The same answer, which ends once the body has been read and dropped, or so much of it that the connection
 * must end. `breakOff` ends the answer then.
 */
export function dropBodyAfter(
  response: Response,
  body: BodySource,
  headers: Headers,
  breakOff: (controller: ReadableStreamDefaultController) => void,
): Response {
  const stream = new ReadableStream({
    async start(controller) {
      if (response.body !== null) {
        for await (const part of response.body) controller.enqueue(part);
      }
      if (await dropAll(body)) controller.close();
      else breakOff(controller);
    },
  });
  return new Response(stream, { status: response.status, headers });
}

/** Whether the body has ended within the bounds. */
async function dropAll(body: BodySource): Promise<boolean> {
  let bytes = 0;
  try {
    return await body.read((part) => {
      bytes += part.byteLength;
      if (bytes > maxDroppedBytes) throw new Error("too many bytes");
    }, maxDropMs);
  } catch {
    // It is too long, or the client has gone: either way the connection ends.
    return false;
  }
}
