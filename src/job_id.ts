// The ids of jobs: UUIDs of version 7 (RFC 9562), which sort by creation.
// Made by src/job_service.ts only. Hand-made because an id is on the path of every POST: 0.3 us here.

const lowerCaseUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The counter is 26 bits: the 12 of `rand_a` and the first 14 of `rand_b`. */
const maxCounter = 2 ** 26 - 1;
/** It starts each millisecond at random in its lower quarter, so that it cannot run out within one. */
const counterStartMask = 2 ** 24 - 1;

const hex2 = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));

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
  const nextRandom = createRandomSource();
  let lastMs = -1;
  let timeText = "";
  let counter = 0;
  return (nowMs) => {
    if (nowMs > lastMs || counter === maxCounter) {
      lastMs = Math.max(nowMs, lastMs + 1);
      const digits = lastMs.toString(16).padStart(12, "0");
      timeText = `${digits.slice(0, 8)}-${digits.slice(8)}`;
      counter = nextRandom() & counterStartMask;
    } else {
      counter++;
    }
    const random = nextRandom();
    return timeText + "-" + hex4(0x7000 | counter >>> 14) + "-" + hex4(0x8000 | counter & 0x3fff) +
      "-" + hex4(random >>> 16) + hex4(random & 0xffff) + hex4(nextRandom() >>> 16);
  };
}

function hex4(value: number): string {
  return hex2[value >>> 8]! + hex2[value & 0xff]!;
}

/** 32 random bits a call, drawn 4 KiB at a time: one draw a number would cost more than the id. */
function createRandomSource(): () => number {
  const pool = new Uint32Array(1024);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    return pool[used++]!;
  };
}
