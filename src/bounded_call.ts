// Stops a synchronous function that does not return in time, on the thread that it runs on: a regular expression that
// backtracks for ever, a loop. Not for functions that await. `node:vm` has a timeout too, which now and then stops
// what runs after the function (2 of 3 processes after 3,000 calls that end near their limit, Deno 2.7 to 2.9); the one
// of the inspector is cancelled under a lock (150,000 such calls without one). A call costs 30 us.

/** Calls the function. `undefined`: it was stopped. What it throws comes through. */
export type BoundedCall = <Value>(
  limitMs: number,
  work: () => Value,
) => { readonly value: Value } | undefined;

const slotName = "valet.bounded_call";
const slot = Symbol.for(slotName);

/**
 * Loads the inspector, which takes 10 ms: only where it is needed.
 *
 * @throws where this runtime has none, or the process lacks `--allow-sys`.
 */
export async function loadBoundedCall(): Promise<BoundedCall> {
  const { Session } = await import("node:inspector");
  const call: BoundedCall = (limitMs, work) => {
    let ended:
      | { readonly value: ReturnType<typeof work> }
      | { readonly thrown: unknown }
      | undefined;
    const global = globalThis as { [slot]?: () => void };
    global[slot] = () => {
      try {
        ended = { value: work() };
      } catch (thrown) {
        ended = { thrown };
      }
    };
    const session = new Session();
    session.connect();
    try {
      const expression = `globalThis[Symbol.for("${slotName}")]()`;
      // Evaluated before `post` returns; its answer comes later and says nothing more.
      session.post("Runtime.evaluate", { expression, timeout: limitMs, silent: true }, () => {});
    } finally {
      session.disconnect();
      delete global[slot];
    }
    if (ended !== undefined && "thrown" in ended) throw ended.thrown;
    return ended;
  };
  if (call(1000, () => "called")?.value !== "called") {
    throw new Error("the inspector calls nothing");
  }
  return call;
}
