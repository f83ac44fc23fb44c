import assert from "node:assert/strict";
import {
  reasonAfterDenial,
  thrownReason,
  thrownTrace,
} from "../../../../src/executor/worker/failure_text.ts";

function namedError(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

/** The texts after the resource are those of `deno run` and of a compiled binary. */
const endings = [
  ", run again with the --allow-net flag",
  ", specify the required permissions during compilation using `deno compile --allow-net`",
];
const permissionTable: readonly [message: string, reason: string][] = endings.flatMap((end) => [
  [
    `Requires net access to "example.com:443"${end}`,
    'needs net access to "example.com:443"; declare permissions.net',
  ],
  [`Requires net access${end}`, "needs net access to everything; declare permissions.net: true"],
  [
    `Requires read access to "/a, b"${end}`,
    'needs read access to "/a, b"; declare permissions.read',
  ],
  [
    `Requires run access to "ls"${end}`,
    'needs run access to "ls", which no task can have: a task starts no program; let a service of its own do that, ' +
    "and call it over HTTP",
  ],
  [`Requires import access to "x"${end}`, 'needs import access to "x", which no task can have'],
  [`Requires read access to <CWD>${end}`, "needs read access to <CWD>; declare permissions.read"],
  [`Requires env access${end}`, "needs env access to everything; declare permissions.env: true"],
  [`Requires env access to "HOME"${end}`, 'needs env access to "HOME"; declare permissions.env'],
]);

for (const [message, reason] of permissionTable) {
  Deno.test(`thrownReason tells a refused permission: ${message}`, () => {
    assert.equal(thrownReason(namedError("NotCapable", message)), reason);
  });
}

const reasonTable: readonly [name: string, thrown: unknown, reason: string][] = [
  ["an Error", new Error("it broke"), "it broke"],
  ["an Error without a message", new TypeError(), "TypeError"],
  ["a NotCapable of another form", namedError("NotCapable", "never"), "never"],
  [
    "an Error that only looks like a refused permission",
    new Error('Requires net access to "h:1", run again'),
    'Requires net access to "h:1", run again',
  ],
  ["a text", "no", 'the task threw "no", which is no Error'],
  ["an empty text", "", 'the task threw "", which is no Error'],
  ["undefined", undefined, "the task threw undefined, which is no Error"],
  ["null", null, "the task threw null, which is no Error"],
  ["an object", { code: 42 }, "the task threw { code: 42 }, which is no Error"],
  ["a number", 7, "the task threw 7, which is no Error"],
];
for (const [name, thrown, reason] of reasonTable) {
  Deno.test(`thrownReason tells ${name}`, () => assert.equal(thrownReason(thrown), reason));
}

Deno.test({
  name: "thrownReason tells what the runtime says of a refused permission",
  permissions: "none",
  fn() {
    const cases: readonly [refused: () => unknown, reason: string][] = [
      [() => Deno.env.get("HOME"), 'needs env access to "HOME"; declare permissions.env'],
      [() => Deno.readTextFileSync("/x"), 'needs read access to "/x"; declare permissions.read'],
      [() => Deno.hostname(), 'needs sys access to "hostname"; declare permissions.sys'],
    ];
    for (const [refused, reason] of cases) {
      assert.throws(refused, (thrown) => {
        assert.equal(thrownReason(thrown), reason);
        return true;
      });
    }
  },
});

function withCode(code: string, error = new Error("")): Error {
  return Object.assign(error, { code });
}
const loop = new Error("loop");
loop.cause = new Error("back", { cause: loop });
const refused = ["::1:80", "127.0.0.1:80"].map((at) => new Error(`connect ECONNREFUSED ${at}`));
const many = Array.from({ length: 30 }, (_, i) => new Error(`error ${i}`));

const chains: readonly [name: string, thrown: unknown, reason: string][] = [
  [
    "causes",
    new Error("outer", { cause: new Error("inner", { cause: withCode("ECONNREFUSED") }) }),
    "outer: inner: ECONNREFUSED",
  ],
  ["a cause that is a text", new Error("outer", { cause: "inner" }), "outer: inner"],
  ["a cause that is an object", new Error("outer", { cause: { n: 1 } }), "outer: { n: 1 }"],
  ["a cause that is null", new Error("outer", { cause: null }), "outer: null"],
  [
    "a cause that the error quotes only once",
    new Error("outer: inner", { cause: new Error("inner") }),
    "outer: inner",
  ],
  ["an error without a message by its cause", new Error("", { cause: new Error("in") }), "in"],
  [
    "a refused permission as the cause",
    new Error("fetch failed", {
      cause: namedError("NotCapable", 'Requires net access to "h:1", run again'),
    }),
    'fetch failed: needs net access to "h:1"; declare permissions.net',
  ],
  [
    "a cause that has another name",
    Object.assign(new Error("no connection"), { detail: new Error("no route"), code: 7 }),
    "no connection: no route",
  ],
  [
    "a refused permission that its error quotes, without the advice of the runtime",
    new Error(`lost: Requires net access to "h:1"${endings[0]}`, {
      cause: new Error(`Requires net access to "h:1"${endings[1]}`),
    }),
    'lost: needs net access to "h:1"; declare permissions.net',
  ],
  [
    "the name of a host that must not be looked up",
    new Error("no server", {
      cause: withCode("EPERM", new Error("getaddrinfo EPERM db.internal")),
    }),
    'no server: needs net access to "db.internal"; declare permissions.net',
  ],
  [
    "an AggregateError without a message by its errors",
    withCode("ECONNREFUSED", new AggregateError(refused)),
    "connect ECONNREFUSED ::1:80; connect ECONNREFUSED 127.0.0.1:80",
  ],
  [
    "an AggregateError with a message by both",
    new AggregateError(refused, "no address"),
    "no address: connect ECONNREFUSED ::1:80; connect ECONNREFUSED 127.0.0.1:80",
  ],
  ["an AggregateError of nothing", new AggregateError([]), "AggregateError"],
  ["a cycle of causes once", loop, "loop: back"],
  [
    "the first of many errors, and how many there are more",
    new AggregateError(many, "all"),
    `all: ${many.slice(0, 9).map(({ message }) => message).join("; ")}; and 21 more`,
  ],
];
for (const [name, thrown, reason] of chains) {
  Deno.test(`thrownReason tells ${name}`, () => assert.equal(thrownReason(thrown), reason));
}

/** A tree of errors that would never end. */
function makeEndless(): Error {
  const endless = new AggregateError([], "x".repeat(5_000_000));
  Object.defineProperty(endless, "errors", { get: () => [makeEndless(), makeEndless()] });
  return Object.defineProperty(endless, "cause", { get: makeEndless });
}

Deno.test("thrownReason and thrownTrace are bounded, whatever was thrown", () => {
  for (const thrown of [makeEndless(), many.join(" "), { deep: many }, new AggregateError(many)]) {
    assert.ok(thrownReason(thrown).length <= 8192);
    assert.ok(thrownTrace(thrown).length <= 3_800);
  }
  const stack = Object.assign(new Error("long"), { stack: "x".repeat(5_000_000) });
  assert.ok(thrownTrace(new Error("outer", { cause: stack })).length < 3_000);
});

Deno.test("thrownTrace tells the stacks of an error, of its errors and of its causes", () => {
  const cause = new TypeError("why", { cause: "no reason" });
  const error = new AggregateError([new RangeError("one")], "outer", { cause });
  const lines = thrownTrace(error).split("\n").filter((line) => !line.startsWith("    at "));
  assert.deepEqual(lines, [
    "AggregateError: outer",
    "one of its errors: RangeError: one",
    "caused by: TypeError: why",
    "caused by: no reason",
  ]);
  assert.match(thrownTrace(error), /\n {4}at .*failure_text_test\.ts:\d+/);
});

Deno.test("thrownTrace is empty where there is no stack to tell", () => {
  assert.equal(thrownTrace("no"), "");
  assert.equal(thrownTrace(undefined), "");
  const broken = Object.defineProperty(new Error("x"), "stack", {
    get() {
      throw new Error("no stack");
    },
  });
  assert.equal(thrownTrace(broken), "");
  const silent = Object.assign(new Error("without"), { stack: undefined });
  assert.equal(thrownTrace(silent), "Error: without");
});

Deno.test("reasonAfterDenial puts first what no task can have, and leaves out advice around it", () => {
  assert.equal(reasonAfterDenial(undefined, "it broke"), "it broke");
  assert.equal(reasonAfterDenial("needs ffi", "it broke"), "needs ffi; then: it broke");
  assert.equal(reasonAfterDenial("needs ffi", "No module:\nneeds ffi\nInstall it"), "needs ffi");
});

Deno.test("thrownReason and thrownTrace leave out the colours of Deno's own errors", () => {
  const error = new TypeError(
    "Module not found\n    at \x1b[0m\x1b[36mfile:///a.ts\x1b[0m:\x1b[33m1\x1b[0m",
  );
  assert.equal(thrownReason(error), "Module not found\n    at file:///a.ts:1");
  assert.ok(thrownTrace(error).startsWith("TypeError: Module not found\n    at file:///a.ts:1\n"));
});
