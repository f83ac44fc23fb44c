// How many connections a node may hold: a server that runs out of descriptors can neither accept nor open
// anything. Called by src/node/node.ts.

/** For stores, workers and what tasks open. */
const maxReserve = 256;
/** More would take memory and serve nobody better. */
const maxConnections = 4096;
/** What most systems allow a process at least. */
const usualLimit = 1024;

/** The limit where the configuration has none. */
export async function defaultMaxConnections(): Promise<number> {
  return connectionsOf(await readDescriptorLimit());
}

/** What a limit of descriptors leaves for connections. */
export function connectionsOf(descriptorLimit: number): number {
  const reserve = Math.min(maxReserve, Math.floor(descriptorLimit / 4));
  return Math.min(descriptorLimit - reserve, maxConnections);
}

/** As an import: to read a file below /proc, Deno asks for all permissions. */
async function readDescriptorLimit(): Promise<number> {
  const path = "file:///proc/self/limits";
  try {
    const { default: text } = await import(path, { with: { type: "text" } });
    const [, limit] = /^Max open files +(\d+|unlimited)/m.exec(text) ?? [];
    return limit === "unlimited" ? Infinity : Number(limit ?? usualLimit);
  } catch {
    // Only Linux has the file.
    return usualLimit;
  }
}
