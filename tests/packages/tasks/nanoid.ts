// Makes short ids with nanoid.

import { customAlphabet, nanoid } from "nanoid";

/** Params: how `many`. */
export default function run({ many }: { many: number }) {
  const ids = new Set(Array.from({ length: many }, () => nanoid()));
  return {
    different: ids.size,
    lengths: [nanoid().length, nanoid(8).length],
    digits: customAlphabet("0123456789", 12)(),
  };
}
