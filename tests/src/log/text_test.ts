import assert from "node:assert/strict";
import {
  escapeText,
  formatJson,
  quoteText,
  quoteUnlessPlain,
  redactSecrets,
} from "../../../src/log/text.ts";

Deno.test("redactSecrets masks the password of a URI or a DSN", () => {
  const cases: [text: string, masked: string][] = [
    ["amqp://user:secret@host:5672/vhost", "amqp://user:***@host:5672/vhost"],
    ["mysql://root:p@ss/w:rd@db:3306/valet", "mysql://root:***@db:3306/valet"],
    ["redis://:secret@host", "redis://:***@host"],
    [
      "valet:secret@tcp(db:3306)/valet?parseTime=true",
      "valet:***@tcp(db:3306)/valet?parseTime=true",
    ],
    ["valet:p@s/s:w@tcp(db:3306)/valet", "valet:***@tcp(db:3306)/valet"],
    ["valet:secret@/valet", "valet:***@/valet"],
    ['Cannot open "valet:secret@unix(/run/db)/x"', 'Cannot open "valet:***@unix(/run/db)/x"'],
    ["cannot reach a://u:one@h and b://u:two@h", "cannot reach a://u:***@h and b://u:***@h"],
  ];
  for (const [text, masked] of cases) assert.equal(redactSecrets(text), masked);
});

Deno.test("redactSecrets takes a long text of a client, in which a password could begin anywhere", () => {
  // With a pattern that tries every beginning this would take minutes.
  const count = 500_000;
  for (const part of ["a:", "aa", "a:@", "@w"]) {
    const word = part.repeat(count);
    assert.equal(redactSecrets(`${word}@`), `${word}@`);
  }
  assert.equal(redactSecrets(`${"a:".repeat(count)}@tcp(`), "a:***@tcp(");
  assert.equal(redactSecrets(`${"://a:".repeat(count)}@`), "://a:***@");
});

Deno.test("redactSecrets leaves a text without a password as it is", () => {
  const texts = [
    "plain",
    "someone@example.com",
    "at 12:30 by someone@example.com",
    "amqp://user@host",
    "http://host/users/@someone",
  ];
  for (const text of texts) assert.equal(redactSecrets(text), text);
});

Deno.test("quoteText gives a JSON string on one line, whatever the characters", () => {
  for (
    const text of [
      "",
      "plain",
      'say "no"',
      "a\\b",
      "a\nb\tc",
      "\u0000\u007f\u009b",
      "\u2028\u202e",
      "\u00e9\u{1f600}",
    ]
  ) {
    const quoted = quoteText(text);
    assert.equal(JSON.parse(quoted), text);
    // deno-lint-ignore no-control-regex -- none of them may stand in a line
    assert.doesNotMatch(quoted, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
  }
});

Deno.test("quoteText bounds what it writes and marks the cut", () => {
  for (const text of ["x".repeat(100_000), "\u0000".repeat(100_000)]) {
    const quoted = quoteText(text);
    assert.ok(quoted.length <= 4101, `${quoted.length} characters`);
    assert.match(JSON.parse(quoted), /\.\.\.$/);
  }
});

Deno.test("quoteUnlessPlain quotes what would not read as one value", () => {
  assert.equal(quoteUnlessPlain("/jobs/1?x"), "/jobs/1?x");
  for (const text of ["", "two words", "a=b", 'a"b', "a\\b", "line\nbreak", "\u00e9"]) {
    assert.equal(quoteUnlessPlain(text), JSON.stringify(text));
  }
});

Deno.test("escapeText leaves a readable message and escapes a forged line", () => {
  assert.equal(escapeText('it said "no" \u00e9'), 'it said "no" \u00e9');
  assert.equal(escapeText("a\n2026 INFO b\u009b31m"), "a\\n2026 INFO b\\u009b31m");
});

Deno.test("formatJson writes any value", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  const cases: [value: unknown, json: string | RegExp][] = [
    [1.5, "1.5"],
    [true, "true"],
    [null, "null"],
    [NaN, "null"],
    [12n, '"12"'],
    [Symbol("s"), '"Symbol(s)"'],
    [[1, { a: "b\u2028" }], '[1,{"a":"b\\u2028"}]'],
    [{ uri: "a://u:secret@h" }, '{"uri":"a://u:***@h"}'],
    [{ cause: new TypeError("no") }, '{"cause":"TypeError: no"}'],
    [cycle, /^"\[not JSON: TypeError: /],
  ];
  for (const [value, json] of cases) {
    if (typeof json === "string") assert.equal(formatJson(value), json);
    else assert.match(formatJson(value), json);
  }
});

Deno.test("formatJson gives a cut string for a value that is too long", () => {
  const json = formatJson(Array.from({ length: 10_000 }, (_, index) => index));
  assert.match(JSON.parse(json), /^\[0,1,.*\.\.\.$/);
});
