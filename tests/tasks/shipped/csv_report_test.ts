import assert from "node:assert/strict";
import csvReport from "../../../tasks/shipped/csv_report.ts";
import type { LogLine } from "../../../src/testing/run_task.ts";
import { runTask } from "../../testing/run_task.ts";
import { serve } from "../../testing/serve.ts";
import { within } from "../../testing/within.ts";

Deno.test("csvReport reports rows and columns of an inline CSV", async () => {
  const csv = '\ufeffid,price,note\r\n1,2.5,"a, ""b"""\r\n\r\n2,,c\r\n3,3.5,c\r\n';
  assert.deepEqual(await runTask(csvReport, { csv }), {
    delimiter: ",",
    rows: 3,
    columns: [
      { name: "id", type: "integer", empty: 0, distinct: 3, min: 1, max: 3, mean: 2 },
      { name: "price", type: "number", empty: 1, distinct: 2, min: 2.5, max: 3.5, mean: 3 },
      { name: "note", type: "text", empty: 0, distinct: 2, min: 'a, "b"', max: "c" },
    ],
  });
});

/** The delimiter, the number of rows and the names of the columns. */
async function shapeOf(params: Record<string, unknown>): Promise<[string, number, string[]]> {
  const { columns, delimiter, rows } = await runTask(csvReport, params);
  return [delimiter, rows, columns.map(({ name }: { name: string }) => name)];
}

const dialects: [what: string, csv: string, delimiter: string, rows: number][] = [
  ["line feeds", "a,b\n1,2\n3,4\n", ",", 2],
  ["no line end at the end", "a,b\n1,2\n3,4", ",", 2],
  ["carriage returns with line feeds", "a,b\r\n1,2\r\n3,4\r\n", ",", 2],
  ["carriage returns", "a,b\r1,2\r3,4\r", ",", 2],
  ["line ends of every kind", "a,b\r1,2\n3,4\r\n5,6", ",", 3],
  ["semicolons", "a;b\n1,5;2\n3;4,5\n", ";", 2],
  ["tabs", "a\tb\n1,5\t2;3\n", "\t", 1],
  ["a tab before the first name", "\n\n a\tb\n1\t2\n", "\t", 1],
  ["semicolons in quotes", '"a;;;",b\n1,2\n', ",", 1],
  ["a line end in the header", '"a\n;",b\n1,2\n', ",", 1],
  ["more semicolons than commas", "a;b, net;\n1;2;\n", ";", 1],
  ["sep=;", "sep=;\r\na,a;b,b\r\n1;2\r\n", ";", 1],
  ["sep=| and a byte order mark", "\ufeffsep=|\na|b\n1|2\n", "|", 1],
  ["sep= in quotes", '"sep=;"\na;b\n1;2\n', ";", 1],
  ["SEP= and a tab", "SEP=\t\na\tb\n1\t2\n", "\t", 1],
  ["blank lines", "\n\r\na,b\n\n1,2\n\n\n3,4\n\n", ",", 2],
  ["lines of spaces and of empty fields", 'a,b\n  \n,\n1,2\n" ",\n', ",", 1],
];
for (const [what, csv, delimiter, rows] of dialects) {
  Deno.test(`csvReport reads a CSV with ${what}`, async () => {
    const shape = await shapeOf({ csv });
    assert.deepEqual([shape[0], shape[1]], [delimiter, rows]);
    assert.ok(shape[2].length > 1);
  });
}

Deno.test("csvReport takes another delimiter, whatever the CSV says", async () => {
  assert.deepEqual(await shapeOf({ csv: "a||b\n1||2\n", delimiter: "||" }), ["||", 1, ["a", "b"]]);
  const csv = "sep=;\na;b,c\n1;2,3\n";
  assert.deepEqual(await shapeOf({ csv, delimiter: "," }), [",", 1, ["a;b", "c"]]);
});

Deno.test("csvReport warns of a delimiter that the header does not have", async () => {
  const log: LogLine[] = [];
  await runTask(csvReport, { csv: "a;b\n1;2\n", delimiter: "," }, { log });
  assert.deepEqual(log, [
    { level: "warn", message: "the CSV has one column; use delimiter ';'?" },
  ]);
});

/** The names of the columns of a CSV that a server sends in these pieces. */
async function namesOf(pieces: readonly number[][], type = "text/csv"): Promise<string[]> {
  let names: string[] = [];
  const body = () => ReadableStream.from(pieces.map((piece) => Uint8Array.from(piece)));
  await serve(() => new Response(body(), { headers: { "content-type": type } }), async (url) => {
    names = (await shapeOf({ url }))[2];
  });
  return names;
}

Deno.test("csvReport reads by the byte order mark, else by the charset of the server, else UTF-8", async () => {
  const cases: [bytes: number[], type?: string][] = [
    [[0xc3, 0xa9, 0x2c, 0x61]],
    [[0xc3, 0xa9, 0x2c, 0x61], "text/csv; charset=nonsense"],
    [[0xef, 0xbb, 0xbf, 0xc3, 0xa9, 0x2c, 0x61], "text/csv; charset=latin1"],
    [[0xe9, 0x2c, 0x61], "text/csv; charset=ISO-8859-1"],
    [[0xff, 0xfe, 0xe9, 0, 0x2c, 0, 0x61, 0], "text/csv; charset=utf-8"],
    [[0xfe, 0xff, 0, 0xe9, 0, 0x2c, 0, 0x61]],
    [[0xe9, 0, 0x2c, 0, 0x61, 0], "text/csv; charset=utf-16le"],
  ];
  for (const [bytes, type] of cases) {
    assert.deepEqual(await namesOf([bytes], type), ["\u00e9", "a"]);
    assert.deepEqual(await namesOf(bytes.map((byte) => [byte]), type), ["\u00e9", "a"]);
  }
});

Deno.test("csvReport names line and byte of what is no text in its charset", async () => {
  const hint =
    "; let the server name its charset, as in content-type: text/csv; charset=windows-1252";
  const text = (written: string) => [...new TextEncoder().encode(written)];
  const cases: [bytes: number[], problem: string, type?: string][] = [
    [[...text("a,b\r\ncaf"), 0xe9, 0x2c], "line 2 is not UTF-8: byte 9 is 0xe9" + hint],
    [[...text("\r\r\n\n"), 0x80], "line 4 is not UTF-8: byte 5 is 0x80" + hint],
    [[...text("\u20ac"), 0xe2, 0x82, 0x41], "line 1 is not UTF-8: byte 4 is 0xe2" + hint],
    [[0xe9], "line 1 is not UTF-8: byte 1 is 0xe9" + hint],
    [[...text("a\n"), 0xe2, 0x82], "line 2 is not UTF-8: byte 3 is 0xe2" + hint],
    [[0xff, 0xfe, 0x61, 0, 0xd, 0, 0, 0xdc], "line 2 is not UTF-16LE: byte 8 is 0xdc"],
    [[0xff, 0xfe, 0x61, 0, 0xd], "line 1 is not UTF-16LE: it ends within a character"],
    [[...text("a\n"), 0x81, 0x20], "line 2 is not SHIFT_JIS: byte 3 is 0x81", "a; charset=sjis"],
  ];
  for (const [bytes, problem, type] of cases) {
    const message = `Cannot read the CSV: ${problem}`;
    await assert.rejects(namesOf([bytes], type), { message });
    await assert.rejects(namesOf(bytes.map((byte) => [byte]), type), { message });
  }
});

Deno.test("csvReport names the byte of a long CSV", async () => {
  const line = new TextEncoder().encode("\u20ac,\u{1f600}\n");
  const count = 50_000;
  const body = () =>
    ReadableStream.from((function* () {
      for (let at = 0; at < count; at++) yield line;
      yield Uint8Array.of(0xff);
    })());
  await serve(() => new Response(body()), async (url) => {
    const message = new RegExp(
      `line ${count + 1} is not UTF-8: byte ${count * line.length + 1} is`,
    );
    await assert.rejects(runTask(csvReport, { url }), message);
  });
});

Deno.test("csvReport keeps integers that a double would change", async () => {
  const csv =
    "id,mixed\n9007199254740993,9007199254740993\n-9007199254740995,0.5\n9007199254740992,1\n";
  const { columns: [id, mixed] } = await runTask(csvReport, { csv });
  assert.deepEqual([id.type, id.min, id.max], ["integer", "-9007199254740995", "9007199254740993"]);
  assert.equal(id.mean, 9007199254740990 / 3);
  assert.deepEqual([mixed.type, mixed.min, mixed.max], ["number", 0.5, "9007199254740993"]);
});

Deno.test("csvReport reports a CSV without rows", async () => {
  for (const csv of ["", "\n\n", "\ufeff", " , \n,,\n", "sep=;", "sep=;\n"]) {
    const { rows, columns } = await runTask(csvReport, { csv });
    assert.deepEqual([rows, columns], [0, []], JSON.stringify(csv));
  }
  const { rows, columns } = await runTask(csvReport, { csv: "a,b" });
  assert.deepEqual([rows, columns[1]], [0, { name: "b", type: "empty", empty: 0, distinct: 0 }]);
});

Deno.test("csvReport streams a CSV from a URL", async () => {
  const rows = 20_000;
  const body = () => {
    const pieces = function* () {
      yield "id,na";
      yield "me\n";
      for (let id = 0; id < rows; id += 1000) {
        const lines = Array.from({ length: 1000 }, (_, i) => `${id + i},"name\n${i % 7}"\n`);
        yield lines.join("");
      }
    };
    return ReadableStream.from(pieces()).pipeThrough(new TextEncoderStream());
  };
  await serve(() => new Response(body()), async (url) => {
    const report = await runTask(csvReport, { url: url.replace("http:", "HTTP:") });
    assert.equal(report.rows, rows);
    const [id, name] = report.columns;
    assert.deepEqual([id.max, id.distinct_is_at_least, id.distinct], [rows - 1, 10_000, undefined]);
    assert.deepEqual([name.type, name.distinct], ["text", 7]);
  });
});

Deno.test("csvReport names the line of what is malformed", async () => {
  const long = "x".repeat(1024 * 1024 + 2);
  const cases: [csv: string, problem: string, delimiter?: string][] = [
    ["a,b\n1,2\n3\n", "line 3 has 1 field, the header has 2"],
    ["a,b\r1,2\r3", "line 3 has 1 field, the header has 2"],
    ["sep=,\n\na,b\n\n1,2,3\n", "line 5 has 3 fields, the header has 2"],
    ['a,b\n"1\r\n1",2\n1,"2\n",3\n', "line 4 has 3 fields, the header has 2"],
    ["a;b;c\n1,5;2;3\n", "line 2 has 2 fields, the header has 1; use delimiter ';'?", ","],
    ["a\tb\n1,5\t2\n", "line 2 has 2 fields, the header has 1; use delimiter '\\t'?", ","],
    ["a;b\n1,5;2,5\n", "line 2 has 3 fields, the header has 1; use delimiter ';'?", ","],
    ['a,b\n\n1,"2\n\n', "the row that begins in line 3 has a quote that is not closed"],
    ['sep=,\na,"b', "the row that begins in line 2 has a quote that is not closed"],
    [
      'a,b\n"\r\n\r\n",2\n1,2"3\n',
      "line 5 has a quote inside a field without quotes; put the field in quotes, and write the " +
      "quote inside it twice",
    ],
    [
      'a,b\n1,"2"3\n',
      "line 2 has text behind a closing quote; write a quote inside quotes twice",
    ],
    [
      `a\n"${long}"\n`,
      "the row that begins in line 2 is longer than 1048576 bytes; is a quote not closed?",
    ],
    [
      `"${long}`,
      "the row that begins in line 1 is longer than 1048576 bytes; is a quote not closed?",
    ],
    [`${"a,".repeat(1000)}a`, "it has 1001 columns; at most 1000 are allowed"],
  ];
  for (const [csv, problem, delimiter] of cases) {
    const message = `Cannot read the CSV: ${problem}`;
    const params = delimiter === undefined ? { csv } : { csv, delimiter };
    await assert.rejects(runTask(csvReport, params), { message });
  }
});

Deno.test("csvReport says what a URL answered that gives no CSV", async () => {
  await serve(() => new Response("no", { status: 404 }), async (url) => {
    const message = `GET ${url}/ answered 404, expected a CSV`;
    await assert.rejects(runTask(csvReport, { url: `${url}/?token=hunter2` }), { message });
  });
});

Deno.test("csvReport ends with the signal's reason while it works", async () => {
  const reason = new DOMException("timed out after 1 second", "TimeoutError");
  const isReason = (thrown: unknown) => thrown === reason;
  await assert.rejects(
    runTask(csvReport, { csv: "a\n1\n" }, { signal: AbortSignal.abort(reason) }),
    isReason,
  );
  // An endless CSV: only the signal, which needs the event loop to run, can end it.
  const controller = new AbortController();
  const rows = new Uint8Array(64 * 1024).fill("1".charCodeAt(0));
  for (let end = 99; end < rows.length; end += 100) rows[end] = "\n".charCodeAt(0);
  const cancelled = Promise.withResolvers<void>();
  let pulls = 0;
  const body = () =>
    new ReadableStream({
      pull(stream) {
        stream.enqueue(rows);
        if (++pulls === 30) setTimeout(() => controller.abort(reason), 0);
      },
      cancel: () => cancelled.resolve(),
    });
  await serve(() => new Response(body()), async (url) => {
    await assert.rejects(runTask(csvReport, { url }, { signal: controller.signal }), isReason);
    await within(cancelled.promise, "the server to see that its client has gone");
  });
});

Deno.test("csvReport lets the event loop run while it works on a long inline CSV", async () => {
  const controller = new AbortController();
  const reason = new Error("stop");
  // The later of two timers: the first alone might fire before the work begins.
  setTimeout(() => setTimeout(() => controller.abort(reason), 0), 0);
  const csv = "a,b,c\n" + "1,2,3\n".repeat(1_000_000);
  await assert.rejects(runTask(csvReport, { csv }, { signal: controller.signal }), reason);
});

Deno.test("csvReport refuses params that do not fit and names the field", async () => {
  const cases: [params: Record<string, unknown>, expected: RegExp][] = [
    [{}, /task_params needs exactly one of csv and url/],
    [{ csv: "a", url: "http://h/" }, /task_params needs exactly one of csv and url/],
    [{ url: "ftp://h/" }, /task_params\.url has a scheme other than http:/],
    [{ csv: 1 }, /task_params\.csv /],
    [{ csv: "a", delimiter: "" }, /task_params\.delimiter /],
    [
      { csv: "a", delimiter: '"' },
      /task_params\.delimiter has a quote or a line break, which cannot be/,
    ],
    [{ csv: "a", delimiter: "\r\n" }, /task_params\.delimiter has a quote or a line break/],
    [{ url: "http://a:%zz@h/" }, /task_params has a % that encodes nothing/],
    [{ csv: "a", header: true }, /task_params\.header /],
  ];
  for (const [params, expected] of cases) {
    await assert.rejects(runTask(csvReport, params), expected);
  }
});

Deno.test("csvReport has a timeout of its own: five minutes", () => {
  assert.deepEqual(csvReport.timeout, { minutes: 5 });
});
