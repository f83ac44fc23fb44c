import assert from "node:assert/strict";
import fc from "fast-check";
import { formatTimestamp, parseTimestamp } from "../../../src/jobs/timestamp.ts";

const timestamps: Readonly<Record<string, string>> = {
  "2022-06-06T15:04:05.999": "2022-06-06T15:04:05.999Z",
  "2022-06-06T15:04:05Z": "2022-06-06T15:04:05.000Z",
  "2022-06-06t15:04:05z": "2022-06-06T15:04:05.000Z",
  "2022-06-06 15:04:05": "2022-06-06T15:04:05.000Z",
  "2022-06-06T15:04:05.1Z": "2022-06-06T15:04:05.100Z",
  "2022-06-06T15:04:05.1230000000001Z": "2022-06-06T15:04:05.124Z",
  "2022-06-06T15:04:05.1230000000000Z": "2022-06-06T15:04:05.123Z",
  "2022-06-06T15:04:05.9999Z": "2022-06-06T15:04:06.000Z",
  "2022-12-31T23:59:59.9999Z": "2023-01-01T00:00:00.000Z",
  "2022-06-06T15:04:05+02:00": "2022-06-06T13:04:05.000Z",
  "2022-06-06T01:04:05.5+05:45": "2022-06-05T19:19:05.500Z",
  "2022-06-06T23:04:05-03:30": "2022-06-07T02:34:05.000Z",
  "2022-06-06T15:04:05-00:00": "2022-06-06T15:04:05.000Z",
  "2030-06-06T15:04Z": "2030-06-06T15:04:00.000Z",
  "2030-06-06T15:04": "2030-06-06T15:04:00.000Z",
  "2030-06-06 15:04": "2030-06-06T15:04:00.000Z",
  "2030-06-06T15:04:05+0200": "2030-06-06T13:04:05.000Z",
  "2030-06-06T15:04:05.25-0330": "2030-06-06T18:34:05.250Z",
  "2030-06-06T15:04+0200": "2030-06-06T13:04:00.000Z",
  "2030-06-06 15:04:05+00": "2030-06-06T15:04:05.000Z",
  "2030-06-06 15:04:05.123456+02": "2030-06-06T13:04:05.124Z",
  "2030-06-06 15:04:05 +0200": "2030-06-06T13:04:05.000Z",
  "2030-06-06 15:04:05 UTC": "2030-06-06T15:04:05.000Z",
  "2030-06-06 15:04:05,678": "2030-06-06T15:04:05.678Z",
  "2024-02-29T00:00:00Z": "2024-02-29T00:00:00.000Z",
  "2000-02-29T00:00:00Z": "2000-02-29T00:00:00.000Z",
  "1970-01-01T00:00:00Z": "1970-01-01T00:00:00.000Z",
  "1969-12-31T23:30:00-01:00": "1970-01-01T00:30:00.000Z",
  "9999-12-31T23:59:59.999Z": "9999-12-31T23:59:59.999Z",
};

const noTimestamps: Readonly<Record<string, string>> = {
  "": "it is empty",
  "tomorrow": 'the date "tomorrow" is not of the form YYYY-MM-DD',
  "Thu, 06 Jun 2022 15:04:05 GMT":
    'the date "Thu, 06 Jun 2022 15:04:05 GMT" is not of the form YYYY-MM-DD',
  "now": 'the date "now" is not of the form YYYY-MM-DD',
  "1654527845": "it is a bare number",
  " 2022-06-06T15:04:05Z": "it begins with a space",
  "20220606T150405Z": 'the date "20220606" is not of the form YYYY-MM-DD',
  "22-06-06T15:04:05Z": 'the date "22-06-06" is not of the form YYYY-MM-DD',
  "2022-6-6T15:04:05Z": 'the date "2022-6-6" is not of the form YYYY-MM-DD',
  "06/06/2022 15:04": 'the date "06/06/2022" is not of the form YYYY-MM-DD',
  "+002022-06-06T15:04:05Z": 'the date "+002022-06-06" is not of the form YYYY-MM-DD',
  "\u0662022-06-06T15:04:05Z": 'the date "\u0662022-06-06" is not of the form YYYY-MM-DD',
  "2022-06-06": "the time is missing",
  "2022-06-06Z": 'the date 2022-06-06 is followed by "Z" instead of T and a time',
  "2022-06-06T": 'the date 2022-06-06 is followed by "T" instead of T and a time',
  "2022-06-06  15:04": 'the date 2022-06-06 is followed by "  15:04" instead of T and a time',
  "2022-06-06T3:04": 'the time "3:04" is not of the form hh:mm or hh:mm:ss',
  "2022-06-06T15": 'the time "15" is not of the form hh:mm or hh:mm:ss',
  "2022-06-06T150405": 'the time "150405" is not of the form hh:mm or hh:mm:ss',
  "2022-06-06T15:04:05.Z": 'the time is followed by ".Z" instead of Z or an offset such as +02:00',
  "2022-06-06T15:04:5Z": 'the time is followed by ":5Z" instead of Z or an offset such as +02:00',
  "2022-06-06T15:04:05+2": 'the time is followed by "+2" instead of Z or an offset such as +02:00',
  "2022-06-06T15:04:05Z\n":
    'the time is followed by "Z\\n" instead of Z or an offset such as +02:00',
  "2022-06-06T15:04:05 CEST":
    'the time is followed by " CEST" instead of Z or an offset such as +02:00',
  "2022-06-06 03:04:05 PM":
    'the time is followed by " PM" instead of Z or an offset such as +02:00',
  "2022-06-06T15:04:05+02:00[Europe/Zurich]":
    'the time is followed by "+02:00[Europe/Zurich]" instead of Z or an offset such as +02:00',
  "2022-00-06T15:04:05Z": "the month is 0 and not one of 1 to 12",
  "2022-13-06T15:04:05Z": "the month is 13 and not one of 1 to 12",
  "2022-06-00T15:04:05Z": "the day is 0 and not one of 1 to 31",
  "2022-06-32T15:04:05Z": "the day is 32 and not one of 1 to 31",
  "2022-06-31T15:04:05Z": "the day 2022-06-31 does not exist",
  "2023-02-29T00:00:00Z": "the day 2023-02-29 does not exist",
  "2100-02-29T00:00:00Z": "the day 2100-02-29 does not exist",
  "2022-06-06T24:00:00Z": "the hour is 24 and not one of 0 to 23",
  "2022-06-06T15:60:05Z": "the minute is 60 and not one of 0 to 59",
  "2016-12-31T23:59:60Z": "the second is 60 and not one of 0 to 59",
  "2022-06-06T15:04:05+24:00": "the hour of the offset is 24 and not one of 0 to 23",
  "2022-06-06T15:04:05+0260": "the minute of the offset is 60 and not one of 0 to 59",
  "1969-12-31T23:59:59.999Z": "the time is before 1970",
  "1970-01-01T00:30:00+01:00": "the time is before 1970",
  "0050-01-01T00:00:00Z": "the time is before 1970",
  "0071-01-01T00:00:00Z": "the time is before 1970",
  "9999-12-31T23:59:59-00:01": "the time is after 9999",
  "9999-12-31T23:59:59.9999Z": "the time is after 9999",
};

Deno.test("parseTimestamp reads RFC 3339 and forms near it, with a zone or without", () => {
  for (const [text, meant] of Object.entries(timestamps)) {
    assert.equal(parseTimestamp(text), Date.parse(meant), text);
  }
});

Deno.test("parseTimestamp says which part of anything else is wrong", () => {
  for (const [text, problem] of Object.entries(noTimestamps)) {
    assert.equal(parseTimestamp(text), problem, text);
  }
  assert.ok(String(parseTimestamp("x".repeat(100_000))).length < 100);
});

Deno.test("parseTimestamp reads what formatTimestamp writes, which is what toISOString writes", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (timestampMs) => {
    const text = formatTimestamp(timestampMs);
    assert.equal(text, new Date(timestampMs).toISOString());
    assert.equal(parseTimestamp(text), timestampMs);
  }));
});

Deno.test("formatTimestamp cuts off a part of a millisecond", () => {
  assert.equal(formatTimestamp(999.999), "1970-01-01T00:00:00.999Z");
});

Deno.test("formatTimestamp is right on both sides of midnight", () => {
  const midnightMs = Date.UTC(2022, 5, 6);
  for (const timestampMs of [midnightMs - 1, midnightMs, midnightMs - 1]) {
    assert.equal(formatTimestamp(timestampMs), new Date(timestampMs).toISOString());
  }
});

Deno.test("parseTimestamp never throws, and gives whole milliseconds or a problem", () => {
  const text = fc.stringMatching(
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d{1,12})?)?( ?([Zz]|[+-]\d\d(:?\d\d)?))?$/,
  );
  fc.assert(fc.property(fc.oneof(text, fc.string()), (text) => {
    const parsed = parseTimestamp(text);
    assert.ok(typeof parsed === "string" ? parsed !== "" : Number.isSafeInteger(parsed));
  }));
});
