// Points in time as text, RFC 3339: read from clients, with what is wrong with a text, and written into answers.

import { cutText } from "../cut_text.ts";

const dateForm = /^(\d{4})-(\d\d)-(\d\d)/;
const timeForm = /^(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?/;
const zoneForm = /^(?: ?(?:[Zz]|UTC|([+-])(\d\d)(?::?(\d\d))?))?$/;

const dayS = 86_400;
const dayMs = dayS * 1000;
/** The last millisecond of the year 9999, UTC. */
const maxTimestampMs = 253_402_300_799_999;
/** The longest piece of a text that an error repeats. */
const maxShownLength = 32;

/**
 * The milliseconds since the Unix epoch of an RFC 3339 timestamp of the years 1970 to 9999 (UTC), or a text
 * that says which part of it is wrong.
 *
 * Forms that people paste are read, too: a space for the `T`, no seconds, a comma before the fraction, an
 * offset as `+0200` or `+02`, a space before it, `UTC`. No zone means UTC. A part of a millisecond counts as a
 * whole one, so that nothing starts before its time. A leap second (`:60`) is refused: the time since the
 * epoch has none.
 */
export function parseTimestamp(text: string): number | string {
  const date = dateForm.exec(text);
  if (date === null) return problemOfDate(text);
  const afterDate = text.slice(date[0].length);
  if (!/^(?:[Tt ]\d|$)/.test(afterDate)) {
    return `the date ${date[0]} is followed by ${quote(afterDate)} instead of T and a time`;
  }
  const time = timeForm.exec(afterDate.slice(1));
  if (time === null) {
    if (afterDate === "") return "the time is missing";
    return `the time ${quote(afterDate.slice(1))} is not of the form hh:mm or hh:mm:ss`;
  }
  const afterTime = afterDate.slice(1 + time[0].length);
  const zone = zoneForm.exec(afterTime);
  if (zone === null) {
    return `the time is followed by ${quote(afterTime)} instead of Z or an offset such as +02:00`;
  }
  const [, year, month, day] = date.map(Number) as [number, number, number, number];
  const [hour, minute, second] = [time[1], time[2], time[3] ?? 0].map(Number) as [
    number,
    number,
    number,
  ];
  const [offsetHour, offsetMinute] = [zone[2] ?? 0, zone[3] ?? 0].map(Number) as [number, number];
  const midnightMs = Date.UTC(year, month - 1, day);
  const wrongPart = problemOfNumber("month", month, 1, 12) ??
    problemOfNumber("day", day, 1, 31) ??
    // The 31st of June comes back as the 1st of July.
    (new Date(midnightMs).getUTCDate() === day ? undefined : `the day ${date[0]} does not exist`) ??
    problemOfNumber("hour", hour, 0, 23) ??
    problemOfNumber("minute", minute, 0, 59) ??
    problemOfNumber("second", second, 0, 59) ??
    problemOfNumber("hour of the offset", offsetHour, 0, 23) ??
    problemOfNumber("minute of the offset", offsetMinute, 0, 59);
  if (wrongPart !== undefined) return wrongPart;
  const fraction = time[4] ?? "";
  const millisecond = Number(fraction.slice(0, 3).padEnd(3, "0")) +
    (/[1-9]/.test(fraction.slice(3)) ? 1 : 0);
  const offsetMinutes = Number(`${zone[1] ?? "+"}1`) * (offsetHour * 60 + offsetMinute);
  const minutes = hour * 60 + minute - offsetMinutes;
  const timestampMs = midnightMs + minutes * 60_000 + second * 1000 + millisecond;
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  if (year < 1969 || timestampMs < 0) return "the time is before 1970";
  return timestampMs > maxTimestampMs ? "the time is after 9999" : timestampMs;
}

function problemOfDate(text: string): string {
  if (text === "") return "it is empty";
  if (/^\d+$/.test(text)) return "it is a bare number";
  if (/^\s/.test(text)) return "it begins with a space";
  const [date = ""] = /^[^A-Za-z ]+(?=[Tt ]\d)/.exec(text) ?? [text];
  return `the date ${quote(date)} is not of the form YYYY-MM-DD`;
}

function problemOfNumber(
  part: string,
  value: number,
  min: number,
  max: number,
): string | undefined {
  return value >= min && value <= max
    ? undefined
    : `the ${part} is ${value} and not one of ${min} to ${max}`;
}

function quote(piece: string): string {
  return JSON.stringify(cutText(piece, maxShownLength));
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
