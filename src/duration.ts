// Lengths of time as people write them, in the configuration and in requests: 150ms, 5s, 1m, 2h, 7d.

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The milliseconds of a number with a unit, such as `1.5h`; NaN if the text is none. */
export function parseDuration(text: string): number {
  const [, count, unit] = /^(\d{1,20}(?:\.\d{1,20})?) ?(ms|s|m|h|d)$/.exec(text) ?? [];
  if (unit === undefined) return NaN;
  // Rounded, for 1.005 * 1000 is 1004.9999999999999.
  return Number((Number(count) * unitsMs[unit as keyof typeof unitsMs]).toFixed(6));
}
