// The ids of jobs: UUIDs of version 7 (RFC 9562), which sort by creation.
// Made by src/jobs/service.ts only.

const lowerCaseUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The counter takes the 12 bits of `rand_a`. What does not fit into a millisecond borrows from the next one. */
const maxCounter = 0xfff;
const version = 0x7000;

/** The id that a text from a client names: a UUID in either case, returned in lower case. Null: it is none. */
export function readJobId(text: string): string | null {
  if (lowerCaseUuid.test(text)) return text;
  const lower = text.toLowerCase();
  return lowerCaseUuid.test(lower) ? lower : null;
}

/**
 * Makes a generator of ids: given the time (milliseconds since the Unix epoch) it returns a new id,
 * which sorts after all that it returned before, also where the clock was set back.
 */
export function createJobIds(): (nowMs: number) => string {
  let lastMs = -1;
  let timeText = "";
  let counter = 0;
  return (nowMs) => {
    if (nowMs > lastMs || counter === maxCounter) {
      lastMs = Math.max(nowMs, lastMs + 1);
      const digits = lastMs.toString(16).padStart(12, "0");
      timeText = `${digits.slice(0, 8)}-${digits.slice(8)}-`;
      counter = 0;
    } else {
      counter++;
    }
    // The end of a UUID of version 4 has the variant and 62 random bits in the same places.
    return timeText + (version | counter).toString(16) + crypto.randomUUID().slice(18);
  };
}
