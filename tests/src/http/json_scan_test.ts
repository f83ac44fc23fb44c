import assert from "node:assert/strict";
import fc from "fast-check";
import { createJsonCounter, findChangedNumbers } from "../../../src/http/json_scan.ts";

const encoder = new TextEncoder();

/** Whether a text of those bounds is taken. */
function isTaken(text: string, maxLevels: number, maxValues: number, partLength = 7): boolean {
  const count = createJsonCounter({ maxLevels, maxValues });
  const bytes = encoder.encode(text);
  try {
    for (let start = 0; start < bytes.length; start += partLength) {
      count(bytes.subarray(start, start + partLength));
    }
    return true;
  } catch (error) {
    assert.equal((error as { code: string }).code, "invalid_argument");
    return false;
  }
}

function levelsOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf));
}

function valuesOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce((sum: number, item) => sum + valuesOf(item), 1);
}

Deno.test("createJsonCounter takes a text at its bounds, and none beyond, in parts of any length", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 9 }), fc.boolean(), (
    value,
    partLength,
    isPretty,
  ) => {
    const text = JSON.stringify(value, null, isPretty ? 1 : 0);
    const [levels, values] = [levelsOf(value), valuesOf(value)];
    assert.ok(isTaken(text, levels, values, partLength));
    if (levels > 0) assert.ok(!isTaken(text, levels - 1, values, partLength));
    assert.ok(!isTaken(text, levels, values - 1, partLength));
  }));
});

Deno.test("createJsonCounter says which bound was passed", () => {
  const count = (text: string) =>
    createJsonCounter({ maxLevels: 2, maxValues: 3 })(encoder.encode(text));
  assert.throws(() => count("[[["), {
    message: "Cannot read the body: it is nested deeper than the 2 levels allowed",
  });
  assert.throws(() => count('{"a":1,"b":2,"c":3}'), {
    message: "Cannot read the body: it has more than the 3 values allowed",
  });
});

Deno.test("createJsonCounter refuses a deep or long text before its end", () => {
  const endless = "[],".repeat(1000);
  assert.ok(!isTaken(`[${endless}`, 64, 500));
  assert.ok(!isTaken("[".repeat(65), 64, 500));
  assert.ok(!isTaken('{"a":'.repeat(65), 64, 500));
});

Deno.test("findChangedNumbers names each number that a double would change", () => {
  const text = `{"timeout": 9007199254740993, "task_params": {"rows": [1, {"n": -9007199254740993}],
    "big": 1e400, "small": 1e-400, "a\\"b": [[], [0, 123456789012345678]], "y": 46485882109906968, "x": {"y": {}}, "z": -1E999}}`;
  assert.deepEqual(findChangedNumbers(text), [
    {
      path: "timeout",
      message: "is 9007199254740993, which would become 9007199254740992; send it as a text",
    },
    {
      path: "task_params.rows[1].n",
      message: "is -9007199254740993, which would become -9007199254740992; send it as a text",
    },
    {
      path: "task_params.big",
      message: "is 1e400, which is too large for a number; send it as a text",
    },
    {
      path: "task_params.small",
      message: "is 1e-400, which is too small for a number; send it as a text",
    },
    {
      path: 'task_params.a"b[1][1]',
      message: "is 123456789012345678, which would become 123456789012345680; send it as a text",
    },
    {
      path: "task_params.y",
      message: "is 46485882109906968, which would become 46485882109906970; send it as a text",
    },
    {
      path: "task_params.z",
      message: "is -1E999, which is too large for a number; send it as a text",
    },
  ]);
});

Deno.test("findChangedNumbers passes over what stays as it is", () => {
  const same = [
    "9007199254740992",
    "-9007199254740991",
    "1000000000000000000000",
    "-1234500000000000000000000",
    "46485882109906970",
    "0.1",
    "0.12345678901234567890",
    "1e308",
    "5e-324",
    "0e999",
    "0.000e-999",
    '"9007199254740993 1e400"',
    '"\\\\\\"9007199254740993"',
    '{"9007199254740993":"1e400"}',
  ];
  for (const text of same) assert.deepEqual(findChangedNumbers(`[${text}]`), [], text);
});

Deno.test("findChangedNumbers bounds what it says", () => {
  const digits = "9".repeat(400);
  const found = findChangedNumbers(
    `{"${"k".repeat(1000)}":[${Array(200).fill(digits).join(",")}]}`,
  );
  assert.equal(found.length, 100);
  assert.ok(found.every(({ path, message }) => path.length < 100 && message.length < 200));
});

Deno.test("findChangedNumbers finds nothing in what JSON.stringify wrote", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    assert.deepEqual(findChangedNumbers(JSON.stringify(value)), []);
  }));
});
