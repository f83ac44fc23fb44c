// Decompresses the body of an answer while it is read, so that a small body that unpacks to a huge one takes
// no more memory than its reader wants.

import type { IncomingMessage } from "node:http";
import { pipeline, type Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** The body behind a `Content-Encoding`; undefined where there is nothing to do, or nothing that it can do. */
export function decompress(
  response: IncomingMessage,
  encoding: string | undefined,
): Readable | undefined {
  const create = Object.hasOwn(decoders, encoding ?? "") ? decoders[encoding!] : undefined;
  // Who reads the decompressed body hears of errors.
  return create === undefined ? undefined : pipeline(response, create(), () => {});
}
