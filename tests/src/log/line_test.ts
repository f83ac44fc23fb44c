import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createLineFormat,
  formatLine,
  formatTime,
  type LogLevel,
  type LogRecord,
} from "../../../src/log/line.ts";

const timeMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function makeRecord(parts: Partial<LogRecord> = {}): LogRecord {
  const common = { level: "info", component: "http", node: undefined, message: "hello" } as const;
  return { timeMs, ...common, fields: {}, ...parts };
}

Deno.test("formatLine writes text as time, level, component, message and fields", () => {
  const fields = { job_id: "1", task: "dummytask", note: "two words", count: 3, gone: undefined };
  assert.equal(
    formatLine("text", makeRecord({ fields })),
    '2026-01-02T03:04:05.678Z INFO  http: hello job_id=1 task=dummytask note="two words" count=3',
  );
});

Deno.test("formatLine writes JSON with the fields beside the record's own", () => {
  const fields = { job_id: "1", note: "two words", count: 3, gone: undefined, list: [1] };
  assert.equal(
    formatLine("json", makeRecord({ fields })),
    '{"time":"2026-01-02T03:04:05.678Z","level":"info","component":"http","message":"hello",' +
      '"job_id":"1","note":"two words","count":3,"list":[1]}',
  );
});

Deno.test("formatLine names the node", () => {
  const record = makeRecord({ node: "host-a1b2c", fields: { a: 1, node: "a field" } });
  assert.equal(
    formatLine("text", record),
    '2026-01-02T03:04:05.678Z INFO  http: hello node=host-a1b2c a=1 node_="a field"',
  );
  assert.equal(
    formatLine("json", record),
    '{"time":"2026-01-02T03:04:05.678Z","level":"info","component":"http","node":"host-a1b2c",' +
      '"message":"hello","a":1,"node_":"a field"}',
  );
});

Deno.test("createLineFormat makes the lines that formatLine makes", () => {
  const kind = { level: "debug", component: "http", node: "n 1", message: "request" } as const;
  const anyValue = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.constant("amqp://user:hunter2@host"),
    fc.constant(undefined),
  );
  const anyTime = fc.constantFrom(timeMs, timeMs + 1);
  for (const format of ["text", "json"] as const) {
    const toLine = createLineFormat(format, kind, ["a", "b"]);
    fc.assert(fc.property(anyTime, anyValue, anyValue, (timeMs, a, b) => {
      const expected = formatLine(format, { timeMs, ...kind, fields: { a, b } });
      assert.equal(toLine(timeMs, [a, b]), expected);
    }));
  }
});

Deno.test("formatLine names every level", () => {
  const levels: LogLevel[] = ["debug", "info", "warn", "error", "fatal"];
  for (const level of levels) {
    const record = makeRecord({ level });
    assert.equal(formatLine("text", record).slice(25, 30), level.toUpperCase().padEnd(5));
    assert.equal(JSON.parse(formatLine("json", record)).level, level);
  }
});

Deno.test("formatLine writes an error as its message, and its stack with causes beside it", () => {
  const error = new Error("outer", { cause: new TypeError("inner", { cause: "root" }) });
  const record = makeRecord({ fields: { error, reason: new Error("other") } });
  const line = JSON.parse(formatLine("json", record));
  assert.equal(line.error, "outer");
  assert.match(
    line.stack,
    /^Error: outer\n +at [^]*caused by: TypeError: inner[^]*caused by: root$/,
  );
  assert.equal(line.reason, "other");
  assert.match(line.reason_stack, /^Error: other\n/);
  assert.match(formatLine("text", record), / error=outer stack="Error: outer\\n +at .*$/);
});

Deno.test("formatLine ends the list of causes of an error that causes itself", () => {
  const error = new Error("loop");
  error.cause = error;
  const { stack } = JSON.parse(formatLine("json", makeRecord({ fields: { error } })));
  assert.equal(stack.split("caused by: ").length, 5);
});

Deno.test("formatLine masks passwords in the message, in fields and in errors", () => {
  const uri = "amqp://user:hunter2@host";
  const fields = { uri, nested: { uri }, error: new Error(uri, { cause: new Error(uri) }) };
  for (const format of ["text", "json"] as const) {
    const line = formatLine(format, makeRecord({ message: `lost ${uri}`, fields }));
    assert.doesNotMatch(line, /hunter2/);
    assert.match(line, /lost amqp:\/\/user:\*\*\*@host/);
  }
});

Deno.test("formatLine does not let a field take the place of the record's own", () => {
  const fields = { level: "fatal", message: "forged", time: "never", __proto__: null, ok: 1 };
  const line = JSON.parse(formatLine("json", makeRecord({ fields })));
  assert.equal(line.level, "info");
  assert.equal(line.message, "hello");
  assert.equal(line.level_, "fatal");
  assert.equal(line.ok, 1);
});

Deno.test("formatLine leaves out fields beyond 8192 characters and says so", () => {
  const fields = { a: "x".repeat(4000), b: "y".repeat(4000), c: "z".repeat(4000), d: 1 };
  const json = formatLine("json", makeRecord({ fields }));
  assert.ok(json.length <= 8192);
  const line = JSON.parse(json);
  assert.deepEqual([line.c, line.d, line.cut], [undefined, 1, true]);
  const text = formatLine("text", makeRecord({ fields }));
  assert.ok(text.length <= 8192);
  assert.match(text, / d=1 cut=true$/);
});

Deno.test("formatLine is one bounded line and, as JSON, an object, for any message and fields", () => {
  const anyText = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.string({ maxLength: 9000 }),
  );
  const anyFields = fc.dictionary(anyText, fc.oneof(anyText, fc.anything()), { maxKeys: 5 });
  fc.assert(fc.property(anyText, anyFields, (message, fields) => {
    for (const format of ["text", "json"] as const) {
      const line = formatLine(format, makeRecord({ message, fields }));
      assert.ok(line.length <= 8192);
      // deno-lint-ignore no-control-regex -- none of them may stand in a line
      assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      if (format === "json") assert.equal(JSON.parse(line).component, "http");
    }
  }));
});

Deno.test("formatTime is RFC 3339 in UTC with milliseconds", () => {
  assert.equal(formatTime(0), "1970-01-01T00:00:00.000Z");
  assert.equal(formatTime(timeMs), "2026-01-02T03:04:05.678Z");
  assert.equal(formatTime(timeMs), "2026-01-02T03:04:05.678Z");
});
