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
  "2024-02-29T00:00:00Z": "2024-02-29T00:00:00.000Z",
  "2000-02-29T00:00:00Z": "2000-02-29T00:00:00.000Z",
  "1970-01-01T00:00:00Z": "1970-01-01T00:00:00.000Z",
  "1969-12-31T23:30:00-01:00": "1970-01-01T00:30:00.000Z",
  "9999-12-31T23:59:59.999Z": "9999-12-31T23:59:59.999Z",
};

const noTimestamps = [
  "",
  "now",
  "1654527845",
  "2022-06-06",
  "2022-06-06T15:04Z",
  "2022-06-06T15:04:05.Z",
  "2022-06-06T15:04:05+02",
  "2022-06-06T15:04:05+0200",
  "2022-06-06T15:04:05+24:00",
  "2022-06-06T15:04:05 Z",
  " 2022-06-06T15:04:05Z",
  "2022-06-06T15:04:05Z\n",
  "22-06-06T15:04:05Z",
  "+002022-06-06T15:04:05Z",
  "2022-6-6T15:04:05Z",
  "2022-00-06T15:04:05Z",
  "2022-13-06T15:04:05Z",
  "2022-06-00T15:04:05Z",
  "2022-06-31T15:04:05Z",
  "2023-02-29T00:00:00Z",
  "2100-02-29T00:00:00Z",
  "2022-06-06T24:00:00Z",
  "2022-06-06T15:60:05Z",
  "2016-12-31T23:59:60Z",
  "1969-12-31T23:59:59.999Z",
  "1970-01-01T00:30:00+01:00",
  "0050-01-01T00:00:00Z",
  "9999-12-31T23:59:59-00:01",
  "9999-12-31T23:59:59.9999Z",
  "\u0662022-06-06T15:04:05Z",
];

Deno.test("parseTimestamp reads RFC 3339, with a zone or without", () => {
  for (const [text, meant] of Object.entries(timestamps)) {
    assert.equal(parseTimestamp(text), Date.parse(meant), text);
  }
});

Deno.test("parseTimestamp refuses everything else", () => {
  for (const text of noTimestamps) assert.equal(parseTimestamp(text), undefined, text);
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

Deno.test("parseTimestamp never throws and gives whole milliseconds", () => {
  const text = fc.stringMatching(
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[+-]\d\d:\d\d)?$/,
  );
  fc.assert(fc.property(fc.oneof(text, fc.string()), (text) => {
    const timestampMs = parseTimestamp(text);
    assert.ok(timestampMs === undefined || Number.isSafeInteger(timestampMs));
  }));
});
