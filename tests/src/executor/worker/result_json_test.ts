import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import fc from "fast-check";
import { resultJson } from "../../../../src/executor/worker/result_json.ts";

const maxBytes = 100;

const cycle: { rows: { self?: unknown }[] } = { rows: [{}] };
cycle.rows[0]!.self = cycle;

class Point {
  x = 1;
  #hidden = 2;
  sum = () => this.x + this.#hidden;
}
class Money {
  #cents = 5;
  get cents() {
    return this.#cents;
  }
}
class Temperature extends Money {
  toJSON() {
    return { cents: this.cents };
  }
}
class Row {
  constructor(readonly id: number) {}
}

const twice = { n: 1 };

const good: readonly [name: string, result: unknown, text: string][] = [
  ["nothing", undefined, ""],
  ["null", null, "null"],
  ["a text", 'say "hi"', '"say \\"hi\\""'],
  ["an empty text", "", '""'],
  ["a number", 1.5, "1.5"],
  ["negative zero, as JSON has it", -0, "0"],
  ["false", false, "false"],
  ["an object", { a: [1, { b: null }] }, '{"a":[1,{"b":null}]}'],
  ["an object without a prototype", Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  ["an empty object and an empty list", [{}, []], "[{},[]]"],
  ["a field without a value", { a: undefined, b: 1 }, '{"b":1}'],
  ["fields of which only the last has a value", { a: undefined, b: 1, c: undefined }, '{"b":1}'],
  ["a key with a quote", { 'a"b': 1 }, '{"a\\"b":1}'],
  ["a key named __proto__", JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
  ["a Date", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ["a URL", new URL("http://x/"), '"http://x/"'],
  ["an object with toJSON", { toJSON: () => "mine" }, '"mine"'],
  ["an object of a class with toJSON", [new Temperature()], '[{"cents":5}]'],
  ["an object of a class with fields", [new Row(7)], '[{"id":7}]'],
  ["a Buffer, which has a toJSON", Buffer.from("a"), '{"type":"Buffer","data":[97]}'],
  ["the same object twice", [twice, twice], '[{"n":1},{"n":1}]'],
  ["boxed values", [Object(1), Object("a"), Object(true)], '[1,"a",true]'],
  ["a lone surrogate", "\ud800", '"\\ud800"'],
  ["an object whose toJSON returns nothing", { toJSON: () => undefined }, ""],
  ["a field whose toJSON returns nothing", { a: { toJSON: () => undefined } }, "{}"],
];
for (const [name, result, text] of good) {
  Deno.test(`resultJson takes ${name}`, () => assert.equal(resultJson(result, maxBytes), text));
}

Deno.test("resultJson writes what JSON.stringify writes of any JSON value", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
    assert.equal(resultJson(value, 1_000_000), JSON.stringify(value));
  }));
});

function* countToTwo() {
  yield 1;
  yield 2;
}
async function* countSlowly() {
  yield await Promise.resolve(1);
}

/** Of each value: what the reason says of it, behind its path. */
const bad: readonly [name: string, value: unknown, problem: string][] = [
  ["a BigInt", 1n, "is a BigInt; convert it with String(...) or Number(...)"],
  ["a function", () => {}, "is a function; leave it out, or return what it returns"],
  ["a symbol", Symbol("x"), "is a symbol; convert it with String(...), or leave it out"],
  ["NaN", NaN, "is NaN, which JSON would make null; use null or a text"],
  ["Infinity", Infinity, "is Infinity, which JSON would make null; use null or a text"],
  ["-Infinity", -Infinity, "is -Infinity, which JSON would make null; use null or a text"],
  ["a boxed NaN", Object(NaN), "is NaN, which JSON would make null; use null or a text"],
  [
    "an invalid Date",
    new Date(NaN),
    "is an invalid Date, which JSON would make null; check it before, or use null",
  ],
  [
    "a Map",
    new Map([[1, 2]]),
    "is a Map; convert it with Object.fromEntries(...) or Array.from(...)",
  ],
  [
    "an empty Map",
    new Map(),
    "is a Map; convert it with Object.fromEntries(...) or Array.from(...)",
  ],
  ["a Set", new Set([1]), "is a Set; convert it with Array.from(...)"],
  ["a WeakMap", new WeakMap(), "is a WeakMap; its entries cannot be listed: leave it out"],
  ["an Error", new RangeError("no"), "is a RangeError; return its message, or throw it"],
  [
    "an Error with fields",
    Object.assign(new Error("no"), { code: "E" }),
    "is an Error; return its message, or throw it",
  ],
  ["a DOMException", new DOMException("x"), "is a DOMException; return its message, or throw it"],
  ["a RegExp", /x/, "is a RegExp; convert it with String(...)"],
  ["a Promise", Promise.resolve(1), "is a Promise; await it"],
  [
    "a module",
    await import("../../../../tasks/shipped/dummytask.ts"),
    'is a module; to load a task from it, write { load: () => import("./file.ts") } in the table of tasks',
  ],
  ["an iterator", [1].values(), "is an Array Iterator; convert it with Array.from(...)"],
  ["a generator", countToTwo(), "is a Generator; convert it with Array.from(...)"],
  [
    "an async generator",
    countSlowly(),
    "is an AsyncGenerator; collect it with await Array.fromAsync(...)",
  ],
  ["bytes", new Uint8Array(2), "is a Uint8Array; convert it with Array.from(...), or to a text"],
  [
    "numbers",
    new Float64Array(2),
    "is a Float64Array; convert it with Array.from(...), or to a text",
  ],
  [
    "an ArrayBuffer",
    new ArrayBuffer(2),
    "is an ArrayBuffer; convert it with Array.from(new Uint8Array(...)), or to a text",
  ],
  [
    "a DataView",
    new DataView(new ArrayBuffer(2)),
    "is a DataView; convert its buffer with Array.from(new Uint8Array(...)), or to a text",
  ],
  ["a Blob", new Blob(["x"]), "is a Blob; read it with await blob.text()"],
  ["a File", new File(["x"], "x"), "is a File; read it with await file.text()"],
  [
    "a Response",
    new Response("x"),
    "is a Response; read it with await response.json() or await response.text()",
  ],
  [
    "a Request",
    new Request("http://x"),
    "is a Request; read it with await request.json() or await request.text()",
  ],
  ["Headers", new Headers({ a: "b" }), "is a Headers; convert it with Object.fromEntries(...)"],
  [
    "search params",
    new URLSearchParams("a=1"),
    "is a URLSearchParams; convert it with Object.fromEntries(...)",
  ],
  [
    "a web stream",
    new ReadableStream(),
    "is a ReadableStream; read it, such as with await new Response(...).text()",
  ],
  [
    "a stream of Node",
    Readable.from(["x"]),
    "is a Readable, a stream; read it and return what it held",
  ],
  [
    "an object of a class with a function",
    new Point(),
    ".sum is a function; leave it out, or return what it returns",
  ],
  [
    "an object of a class that shows nothing",
    new Money(),
    "is a Money, of which JSON would hold {}; return a plain object, or give it a toJSON method",
  ],
  [
    "an object of the platform that shows nothing",
    new AbortController(),
    "is an AbortController, of which JSON would hold {}; return a plain object, or give it a toJSON method",
  ],
  [
    "a toJSON that returns a Map",
    { toJSON: () => new Map() },
    "is a Map; convert it with Object.fromEntries(...) or Array.from(...)",
  ],
];
for (const [name, value, problem] of bad) {
  Deno.test(`resultJson refuses ${name}, wherever it is, and says what to do`, () => {
    const places: readonly [result: unknown, path: string][] = [
      [value, "metadata"],
      [{ rows: [1, { n: value }] }, "metadata.rows[1].n"],
      [[[value]], "metadata[0][0]"],
    ];
    for (const [result, path] of places) {
      const space = problem.startsWith(".") ? "" : " ";
      const message = `the result cannot be JSON: ${path}${space}${problem}`;
      assert.throws(() => resultJson(result, maxBytes), { message });
    }
  });
}

function makeEndless(): object {
  return {
    get next() {
      return makeEndless();
    },
  };
}

const refusals: readonly [name: string, result: () => unknown, problem: string][] = [
  ["a cycle", () => cycle, "metadata.rows[0].self is metadata again, a cycle; leave it out"],
  [
    "a hole in a list",
    // deno-lint-ignore no-sparse-arrays -- that is what this task returns
    () => [1, , 3],
    "metadata[1] is undefined, which JSON would make null; use null or leave it out",
  ],
  [
    "a huge list of holes, at once",
    () => ({ rows: new Array(4_000_000_000) }),
    "metadata.rows[0] is undefined, which JSON would make null; use null or leave it out",
  ],
  ["a toJSON that throws", () => ({
    a: {
      toJSON() {
        throw new Error("not today");
      },
    },
  }), "metadata.a cannot be read: not today"],
  ["a toJSON that throws no Error", () => ({
    toJSON() {
      // deno-lint-ignore no-throw-literal -- that is what this task does
      throw "no";
    },
  }), "metadata cannot be read: no"],
  ["a getter that throws", () => [{
    get n() {
      throw new TypeError("no n");
    },
  }], "metadata[0].n cannot be read: no n"],
  [
    "an object without an end",
    () => makeEndless(),
    `metadata${".next".repeat(100)}.nex... is nested deeper than the 512 levels allowed`,
  ],
];
for (const [name, result, problem] of refusals) {
  Deno.test(`resultJson refuses ${name}`, () => {
    const message = `the result cannot be JSON: ${problem}`;
    assert.throws(() => resultJson(result(), 100_000), { message });
  });
}

Deno.test("resultJson looks at no more of a large result than the limit allows", () => {
  let read = 0;
  const list = new Proxy(new Array(1_000_000).fill(0), {
    get(target, key) {
      read++;
      return Reflect.get(target, key);
    },
  });
  assert.throws(() => resultJson(list, 100), {
    message: /^the result is too large: more than 100 /,
  });
  assert.ok(read < 110, `${read} reads`);
});

Deno.test("resultJson counts bytes of UTF-8: exactly the limit is allowed, one more is not", () => {
  const cases: readonly [character: string, bytes: number][] = [
    ["x", 1],
    ["\u00fc", 2],
    ["\u20ac", 3],
    ["\u{1f600}", 4],
  ];
  for (const [character, bytes] of cases) {
    const text = character.repeat(12);
    const size = bytes * 12 + 2;
    assert.equal(resultJson(text, size), JSON.stringify(text));
    assert.throws(
      () => resultJson(text, size - 1),
      /^Error: the result is too large: .* worker_pool.max_result_bytes allows \d+$/,
      character,
    );
  }
});

Deno.test("resultJson tells the size, where it had to count it, and the limit", () => {
  const limit = { message: /: 26 bytes of JSON; worker_pool.max_result_bytes allows 20$/ };
  assert.throws(() => resultJson("\u00fc".repeat(12), 20), limit);
  assert.throws(() => resultJson("x".repeat(500), 20), { message: /: more than 20 bytes of JSON/ });
});
