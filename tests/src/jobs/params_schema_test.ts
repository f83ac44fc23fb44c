import assert from "node:assert/strict";
import { compileParamsSchema } from "../../../src/jobs/params_schema.ts";

/** Each problem as one line. */
function problemsOf(schema: Record<string, unknown>, params: object): string[] {
  return compileParamsSchema(schema)(params).map(({ path, message }) => `${path} ${message}`);
}

const text = { type: "string" };
const kinds = {
  anyOf: [
    {
      type: "object",
      properties: { kind: { const: "a" }, x: { type: "number" } },
      required: ["x"],
    },
    { type: "object", properties: { kind: { const: "b" }, y: text }, required: ["kind", "y"] },
  ],
};

for (
  const [schema, value, ...problems] of [
    [text, "a"],
    [text, 7, "is 7; a text is allowed"],
    [{ type: ["string", "null"] }, true, "is true; a text or null is allowed"],
    [{ type: "integer" }, 1.5, "is 1.5; an integer is allowed"],
    [
      { type: "boolean" },
      "x".repeat(100),
      `is "${"x".repeat(64)}"... (100 characters); true or false is allowed`,
    ],
    [{ enum: ["GET", "POST"] }, "get", 'is "get"; "GET" or "POST" is allowed'],
    [
      { enum: Array.from({ length: 22 }, (_, index) => index) },
      -1,
      `is -1; ${
        Array.from({ length: 20 }, (_, index) => index).join(", ")
      } or one of 2 more is allowed`,
    ],
    [{ const: null }, 1, "is 1; null is allowed"],
    [{ ...text, minLength: 2 }, "\u{1f600}", "has 1 character; at least 2 are allowed"],
    [{ maxLength: 1 }, "ab", "has 2 characters; at most 1 is allowed"],
    [{ pattern: "^a{1,2}$" }, "b", 'is "b"; a text that matches /^a{1,2}$/ is allowed'],
    [{ pattern: "^\\p{L}+$" }, "\u00e9"],
    [{ pattern: "^[\\w\\-]+\\_$" }, "a-_"],
    [
      { format: "uri", pattern: "^http" },
      "x",
      'is "x"; a URL such as https://example.com/path is allowed',
    ],
    [
      { format: "uri", pattern: "^http" },
      "ftp://x/",
      'is "ftp://x/"; a text that matches /^http/ is allowed',
    ],
    [{ format: "uri" }, "https://ex\u00e4mple.com/ a"],
    [{ format: "email" }, "x", 'is "x"; a text of the format email is allowed'],
    [{ format: "date-time" }, "2022-06-06T15:04"],
    [{ format: "date-time" }, "soon", 'is "soon"; a time such as 2022-06-06T15:04:05Z is allowed'],
    [{ format: "date" }, "6.6.2022", 'is "6.6.2022"; a date such as 2022-06-06 is allowed'],
    [{ format: "uuid" }, "7", 'is "7"; a text of the format uuid is allowed'],
    [{ format: "constructor" }, "7"],
    [{ minimum: 1 }, 0, "is 0; at least 1 is allowed"],
    [{ exclusiveMaximum: 3 }, 3, "is 3; less than 3 is allowed"],
    [{ multipleOf: 3 }, 4, "is 4; a multiple of 3 is allowed"],
    [{ minItems: 1 }, [], "has 0 items; at least 1 is allowed"],
    [{ prefixItems: [{}], items: false }, [1, 2], "has more items than the 1 that are allowed"],
    [
      { uniqueItems: true },
      [1, [2], [2]],
      "has equal items at [1] and [2]; each may stand there once",
    ],
    [{ contains: text }, [1], "has no item that it needs, or too many"],
    [{ maxProperties: 0 }, { a: 1 }, "has 1 field; at most 0 are allowed"],
    [{ not: { const: 3 } }, 3, "is 3, which is not allowed"],
    [false, 3, "is 3, which is not allowed"],
    [{ if: text, then: { minLength: 3 } }, "ab", "has 2 characters; at least 3 are allowed"],
    [
      { anyOf: [text, { type: "array" }, { type: "object" }] },
      5,
      "is 5; a text, an array or an object is allowed",
    ],
    [
      { anyOf: [{ type: "null" }, { type: "integer", maximum: 9 }] },
      10,
      "is 10; at most 9 is allowed",
    ],
    [kinds, { kind: "c" }, 'has the kind "c"; "a" or "b" is allowed'],
    [{ oneOf: [{ minimum: 1 }, { maximum: 3 }] }, 2, "is 2, which fits more than one allowed form"],
    [
      { anyOf: [{ required: ["a", "b"] }, { required: ["c"] }] },
      {},
      "fits none of the allowed forms; in the closest one task_params.at.c is missing",
    ],
    [
      { ...text, pattern: "^a", errorMessage: { pattern: "must begin with a" } },
      "b",
      "must begin with a",
    ],
  ] as [Record<string, unknown> | false, unknown, ...string[]][]
) {
  const title = `${JSON.stringify(schema).slice(0, 80)} and ${JSON.stringify(value).slice(0, 40)}`;
  Deno.test(`compileParamsSchema says what is wrong: ${title}`, () => {
    assert.deepEqual(
      problemsOf({ properties: { at: schema } }, { at: value }),
      problems.map((problem) => `task_params.at ${problem}`),
    );
  });
}

Deno.test("compileParamsSchema names every wrong place at once", () => {
  const schema = {
    type: "object",
    properties: {
      url: { type: "string", format: "uri" },
      headers: {
        type: "object",
        propertyNames: { pattern: "^[a-z]+$" },
        additionalProperties: text,
      },
      rows: { type: "array", items: { $ref: "#/$defs/row" } },
      constructor: text,
      "a/b~c": text,
    },
    required: ["url", "constructor"],
    additionalProperties: false,
    $defs: { row: { type: "object", properties: { kind: kinds, n: { type: "integer" } } } },
  };
  const params = JSON.parse(
    '{"urll": 1, "headers": {"a b": "x", "c": 7}, "rows": [{}, {"n": "1", "kind": {"kind": "b"}}], ' +
      '"__proto__": 1, "a/b~c": 7}',
  );
  assert.deepEqual(problemsOf(schema, params), [
    "task_params.url is missing; a URL such as https://example.com/path is allowed",
    "task_params.constructor is missing; a text is allowed",
    "task_params.urll is not a known param; did you mean url?",
    "task_params.__proto__ is not a known param; url, headers, rows, constructor, a/b~c are known",
    "task_params.headers.a b is not allowed as a name here",
    "task_params.headers.c is 7; a text is allowed",
    "task_params.rows[1].kind.y is missing; a text is allowed",
    'task_params.rows[1].n is "1"; an integer is allowed',
    "task_params.a/b~c is 7; a text is allowed",
  ]);
  assert.deepEqual(
    problemsOf({ dependentRequired: { card: ["name"] } }, { card: 1 }),
    ["task_params.name is missing, which card needs"],
  );
});

Deno.test("compileParamsSchema names at most 100 places, and cuts what it repeats", () => {
  const params = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [`${index}`.padEnd(500, "x"), "y".repeat(500)]),
  );
  const problems = compileParamsSchema({ additionalProperties: { type: "null" } })(params);
  assert.equal(problems.length, 100);
  assert.ok(problems.every(({ path, message }) => path.length < 100 && message.length < 200));
});

Deno.test("compileParamsSchema changes no params", () => {
  const schema = {
    type: "object",
    properties: { n: { type: "integer", default: 3 }, list: { type: "array", items: text } },
    additionalProperties: false,
  };
  const params = { n: "3", list: [1], more: true };
  problemsOf(schema, params);
  assert.deepEqual(params, { n: "3", list: [1], more: true });
});

for (
  const schema of [
    { type: "text" },
    { $ref: "https://example.com/schema.json" },
    { $ref: "https://json-schema.org/draft/2020-12/schema" },
    { pattern: "(" },
    { properties: { a: { minimum: "1);Deno.exit(7);(" } } },
    { required: "a" },
    { enum: 7 },
    { items: [{}] },
    { $async: true },
  ]
) {
  Deno.test(`compileParamsSchema refuses ${JSON.stringify(schema)}`, () => {
    assert.throws(() => compileParamsSchema(schema));
  });
}

Deno.test("compileParamsSchema makes no code of the texts of a schema", () => {
  const code = "`${hacked()}`\\\"');hacked();//\u2028";
  const global = globalThis as { hacked?: () => void };
  let calls = 0;
  global.hacked = () => calls++;
  try {
    const schema = {
      $id: code,
      title: code,
      $comment: code,
      properties: { [code]: { const: code, format: code, default: code, [code]: code } },
      patternProperties: { "^x": { enum: [code], pattern: "`\\$\\{hacked\\(\\)\\}`" } },
      required: [code],
      dependentRequired: { [code]: [code] },
    };
    for (const params of [{}, { [code]: 1 }, { [code]: code, x: code }]) {
      try {
        problemsOf(schema, params);
      } catch {
        // An $id may be refused.
      }
      problemsOf({ ...schema, $id: "here" }, params);
    }
    assert.equal(calls, 0);
  } finally {
    delete global.hacked;
  }
});
