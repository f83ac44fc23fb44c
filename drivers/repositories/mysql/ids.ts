// Ids as SQL has them. Used by everything that writes or reads SQL.

import { Buffer } from "node:buffer";

/** The 16 bytes of an id; none where {@link toHex} gives none. */
export function toBytes(id: string): Buffer {
  return Buffer.from(toHex(id), "hex");
}

const idForm = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** The 32 hexadecimal digits of an id; empty, which no job has, if it has not the form that ids are made in. */
export function toHex(id: string): string {
  return idForm.test(id) ? id.replaceAll("-", "") : "";
}

/** The id of 16 bytes. */
export function toId(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${
    hex.slice(20)
  }`;
}

/**
 * The same items and the last one again until there are as many as a power of two: there are few prepared
 * statements then, and an id that stands in a list twice does no harm.
 */
export function padToPowerOfTwo<Item>(items: Item[]): Item[] {
  while (items.length & items.length - 1) items.push(items.at(-1)!);
  return items;
}
