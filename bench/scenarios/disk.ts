// What the disk itself can do: every durable POST waits for one fsync, which it may share with others.

import type { Figure } from "../figure.ts";

const durationMs = 1_000;
const blockBytes = 4_096;

/** Measures how often a small write reaches the disk, one after the other. */
export async function measureDisk(): Promise<Figure[]> {
  const path = await Deno.makeTempFile();
  try {
    using file = await Deno.open(path, { write: true });
    const block = new Uint8Array(blockBytes);
    const startMs = performance.now();
    let count = 0;
    while (performance.now() - startMs < durationMs) {
      file.writeSync(block);
      file.syncDataSync();
      count += 1;
    }
    const value = count * 1000 / (performance.now() - startMs);
    const plain = `${blockBytes} bytes each, in the temporary folder`;
    return [{ name: "fsyncs of the disk", plain, value, unit: "/s" }];
  } finally {
    await Deno.remove(path);
  }
}
