// Points in time as text, RFC 3339: read from clients, written into answers.

const form =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))?$/;

const dayS = 86_400;
const dayMs = dayS * 1000;
/** The last millisecond of the year 9999, UTC. */
const maxTimestampMs = 253_402_300_799_999;

/**
 * The milliseconds since the Unix epoch of an RFC 3339 timestamp, or undefined if the text is none, names
 * a day that is not in the calendar, or lies outside the years 1970 to 9999 (UTC).
 *
 * No zone means UTC, a space may stand for the `T`. A part of a millisecond counts as a whole one, so that
 * nothing starts before its time. A leap second (`:60`) is refused: the time since the epoch has none.
 */
export function parseTimestamp(text: string): number | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", sign, offsetHour, offsetMinute] =
    match;
  const millisecond = Number(fraction.slice(0, 3).padEnd(3, "0")) +
    (/[1-9]/.test(fraction.slice(3)) ? 1 : 0);
  const midnightMs = Date.UTC(Number(year), Number(month) - 1, Number(day));
  // A day that does not exist (30 February, month 13) comes back as another one.
  const isInCalendar = midnightMs >= -dayMs && midnightMs <= maxTimestampMs &&
    new Date(midnightMs).toISOString().startsWith(`${year}-${month}-${day}`);
  if (!isInCalendar) return undefined;
  const offsetMinutes = sign === undefined
    ? 0
    : Number(`${sign}1`) * (Number(offsetHour) * 60 + Number(offsetMinute));
  const minutes = Number(hour) * 60 + Number(minute) - offsetMinutes;
  const timestampMs = midnightMs + minutes * 60_000 + Number(second) * 1000 + millisecond;
  return timestampMs >= 0 && timestampMs <= maxTimestampMs ? timestampMs : undefined;
}

const twoDigits = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, "0"));
const endings = Array.from({ length: 1000 }, (_, value) => `${String(value).padStart(3, "0")}Z`);
let cachedDay = NaN;
let cachedDayText = "";
let cachedSecond = NaN;
let cachedSecondText = "";

/**
 * The text of milliseconds since the Unix epoch: UTC, with whole milliseconds and `Z`. The same as
 * `toISOString` and ten times as fast, since most calls are for the second, or the day, of the one before.
 */
export function formatTimestamp(timestampMs: number): string {
  const wholeMs = Math.floor(timestampMs);
  const second = Math.floor(wholeMs / 1000);
  if (second !== cachedSecond) {
    cachedSecondText = formatSecond(second);
    cachedSecond = second;
  }
  return cachedSecondText + endings[wholeMs - second * 1000];
}

function formatSecond(second: number): string {
  const day = Math.floor(second / dayS);
  if (day !== cachedDay) {
    cachedDayText = new Date(day * dayMs).toISOString().slice(0, -13);
    cachedDay = day;
  }
  const ofDayS = second - day * dayS;
  const minutes = Math.floor(ofDayS / 60);
  return cachedDayText + twoDigits[Math.floor(minutes / 60)] + ":" + twoDigits[minutes % 60] + ":" +
    twoDigits[ofDayS % 60] + ".";
}
